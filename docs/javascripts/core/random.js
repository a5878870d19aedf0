// Random numbers from a seed: the same seed gives the same numbers on every machine.

/**
 * The generator sfc32 of Chris Doty-Humphrey (PractRand), 128 bits of state: fast, small, and good enough for any
 * figure. Not the generator of NumPy, so that a seed means other numbers here than in the package.
 */
export class Random {
  #state = new Int32Array(4); // three words and a counter; in an array, whose entries engines compute with fastest
  #spare = NaN; // the polar method makes two normal numbers at once

  /**
   * `seed` is a whole number from 0 to 2³² − 1; neighbouring seeds give unrelated numbers.
   * @param {number} seed
   */
  constructor(seed) {
    this.#state.set([...spread(seed), 1]);
    for (let i = 0; i < 12; i++) this.bits(); // until every bit of the state depends on every bit of the seed
  }

  /** A whole number from 0 to 2³² − 1. */
  bits() {
    const state = this.#state;
    const sum = (state[0] + state[1] + state[3]) | 0;
    state[3] += 1;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = state[2] + (state[2] << 3);
    state[2] = ((state[2] << 21) | (state[2] >>> 11)) + sum;
    return sum >>> 0;
  }

  /** At least 0 and below 1. */
  uniform() {
    return this.bits() / 2 ** 32;
  }

  /**
   * A whole number, at least 0 and below `limit`.
   * @param {number} limit
   */
  below(limit) {
    return Math.floor(this.uniform() * limit);
  }

  /** From the normal distribution with mean 0 and variance 1, by Marsaglia's polar method. */
  normal() {
    if (!Number.isNaN(this.#spare)) {
      const spare = this.#spare;
      this.#spare = NaN;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * scale;
      return x * scale;
    }
  }

  /**
   * Bring an array into a random order, in place; returns it. Every order is equally likely (Fisher and Yates).
   *
   * @template T
   * @param {T[]} array
   */
  shuffle(array) {
    for (let last = array.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [array[last], array[other]] = [array[other], array[last]];
    }
    return array;
  }
}

/**
 * Three words from one seed, by the mixing function of splitmix32 (MurmurHash3's finaliser).
 * @param {number} seed
 */
function spread(seed) {
  return [1, 2, 3].map((place) => {
    let word = (seed + Math.imul(place, 0x9e3779b9)) | 0;
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return word ^ (word >>> 16);
  });
}

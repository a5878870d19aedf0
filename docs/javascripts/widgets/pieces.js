// Long work in pieces, so that the page answers in between.

const AT_ONCE = 8; // milliseconds of work in a frame: half of it is left for drawing

export class Pieces {
  #frame = 0;

  /** Run a generator to its end, a few milliseconds in each frame, and hand over what it returns; what ran before is dropped. */
  run(work, done) {
    this.stop();
    const piece = () => {
      const until = performance.now() + AT_ONCE;
      let step;
      do step = work.next();
      while (!step.done && performance.now() < until);
      this.#frame = 0;
      if (step.done) done(step.value);
      else this.#frame = requestAnimationFrame(piece);
    };
    this.#frame = requestAnimationFrame(piece);
  }

  get running() {
    return this.#frame !== 0;
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }
}

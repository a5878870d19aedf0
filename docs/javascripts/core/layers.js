// Layers: forward beside backward, on batches { shape: [N, C, H, W], data }, data a Float32Array. Held to cnnguide.layers.

import { relu } from "./activations.js";

const { fround } = Math;

/**
 * @param {number[]} shape
 * @param {Float32Array} data
 * @returns {Tensor}
 */
export function tensor(shape, data = new Float32Array(shape.reduce((product, length) => product * length, 1))) {
  return { shape, data };
}

/** @param {Tensor} tensor */
const zerosLike = ({ shape }) => tensor(shape);

/**
 * A convolution with stride 1: `weight` (outputs, inputs, rows, columns), one bias for each output, zeros around the image.
 *
 * Inside, output planes are kept in rows as long as those of the padded input. Then a weight reads its pixels at one distance all
 * over the plane, and the whole convolution is products of long rows, which engines make fast. What is in the gaps at the ends
 * of rows is cut off in the end.
 */
export class Conv2d {
  wide = tensor([0, 0, 0, 0]); // the padded input
  shapes = { x: [0], out: [0] };

  /** @param {{ weight: Tensor, bias: Tensor, padding?: number }} settings */
  constructor({ weight, bias, padding = 0 }) {
    this.weight = weight;
    this.bias = bias;
    this.padding = padding;
    this.parameters = [weight, bias];
    this.gradients = this.parameters.map(zerosLike);
  }

  /** @param {Tensor} x */
  forward(x) {
    const [count, , height, width] = x.shape;
    const [outputs, , rows, columns] = this.weight.shape;
    const border = 2 * this.padding;
    this.wide = placed(x, [height + border, width + border], this.padding);
    this.shapes = { x: x.shape, out: [count, outputs, height + border - rows + 1, width + border - columns + 1] };
    const sums = tensor([count, outputs, height + border, width + border]);
    const [to, from, weights] = [sums.data, this.wide.data, this.weight.data];
    eachPlane(sums, (plane, at, size) => to.fill(this.bias.data[plane % outputs], at, at + size));
    const { taps, length, perOutput, perInput } = this.#taps();
    for (let image = 0; image < count; image++) {
      for (const { weight, at, under } of taps) {
        add(to, at + image * perOutput, from, under + image * perInput, weights[weight], length);
      }
    }
    return cut(sums, this.shapes.out);
  }

  /**
   * Stores the gradients of weights and biases; returns that of the input, unless nobody needs it.
   *
   * @param {Tensor} grad
   */
  backward(grad, inputToo = true) {
    const [dweight, dbias] = this.gradients;
    const dwide = inputToo ? zerosLike(this.wide) : null;
    const slopes = placed(grad, this.wide.shape.slice(2)).data; // zero in the gaps
    const [from, weights] = [this.wide.data, this.weight.data];
    dweight.data.fill(0);
    dbias.data.fill(0);
    eachPlane(grad, (plane, at, size) => {
      for (let i = at; i < at + size; i++) dbias.data[plane % dbias.data.length] += grad.data[i];
    });
    const { taps, length, perOutput, perInput } = this.#taps();
    for (let image = 0; image < grad.shape[0]; image++) {
      for (const { weight, at, under } of taps) {
        const [there, here] = [at + image * perOutput, under + image * perInput];
        dweight.data[weight] += product(slopes, there, from, here, length);
        if (dwide) add(dwide.data, here, slopes, there, weights[weight], length);
      }
    }
    return dwide ? cut(dwide, this.shapes.x, this.padding) : null;
  }

  /** For each weight: where its output plane begins, and where the run of `length` pixels that it reads, in the first image. */
  #taps() {
    const [, outputs, height, width] = this.shapes.out;
    const [, inputs, rows, columns] = this.weight.shape;
    const [, , high, wide] = this.wide.shape;
    const taps = Array.from(this.weight.data, (_, weight) => {
      const [column, row] = [weight % columns, Math.floor(weight / columns) % rows];
      const plane = Math.floor(weight / (columns * rows));
      const [output, input] = [Math.floor(plane / inputs), plane % inputs];
      return { weight, at: output * high * wide, under: (input * high + row) * wide + column };
    });
    return { taps, length: (height - 1) * wide + width, perOutput: outputs * high * wide, perInput: inputs * high * wide };
  }
}

/**
 * @param {Tensor} tensor
 * @param {(plane: number, at: number, size: number) => void} visit
 */
function eachPlane({ shape: [count, channels, height, width] }, visit) {
  for (let plane = 0; plane < count * channels; plane++) visit(plane, plane * height * width, height * width);
}

/**
 * The planes in larger ones that are zero elsewhere, `border` pixels from above and from the left.
 * @param {Tensor} x
 * @param {number[]} sides
 * @param {number} border
 */
function placed(x, [high, wide], border = 0) {
  const [count, channels] = x.shape;
  const out = tensor([count, channels, high, wide]);
  eachRow(x.shape, out.shape, border, (at, inside, width) => add(out.data, inside, x.data, at, 1, width));
  return out;
}

/**
 * The way back: what is there in the larger planes.
 * @param {Tensor} large
 * @param {number[]} shape
 * @param {number} border
 */
function cut(large, shape, border = 0) {
  const out = tensor(shape);
  eachRow(shape, large.shape, border, (at, inside, width) => add(out.data, at, large.data, inside, 1, width));
  return out;
}

/**
 * For each row of planes, where it begins, and where it is in larger planes.
 * @param {number[]} shape
 * @param {number[]} larger
 * @param {number} border
 * @param {(at: number, inside: number, width: number) => void} visit
 */
function eachRow([count, channels, height, width], [, , high, wide], border, visit) {
  for (let plane = 0; plane < count * channels; plane++) {
    for (let row = 0; row < height; row++) {
      visit((plane * height + row) * width, (plane * high + row + border) * wide + border, width);
    }
  }
}

/** The largest number of each window; windows lie side by side. Of several that are equally large, the first counts; NaN is the largest of all. */
export class MaxPool2d {
  /** @type {Tensor[]} */
  parameters = [];
  /** @type {Tensor[]} */
  gradients = [];

  from = new Int32Array(0); // the place of each largest number: there its gradient goes
  shape = [0];

  /** @param {{ kernel: number }} settings */
  constructor({ kernel }) {
    this.kernel = kernel;
  }

  /** @param {Tensor} x */
  forward(x) {
    const [count, channels, height, width] = x.shape;
    const out = tensor([count, channels, Math.floor(height / this.kernel), Math.floor(width / this.kernel)]);
    const [, , rows, columns] = out.shape;
    this.from = new Int32Array(out.data.length);
    this.shape = x.shape;
    for (let plane = 0, to = 0; plane < count * channels; plane++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++, to++) {
          const corner = (plane * height + row * this.kernel) * width + column * this.kernel;
          this.from[to] = this.#largest(x.data, corner, width);
          out.data[to] = x.data[this.from[to]];
        }
      }
    }
    return out;
  }

  /**
   * @param {Float32Array} data
   * @param {number} corner
   * @param {number} width
   */
  #largest(data, corner, width) {
    let best = corner;
    for (let row = 0; row < this.kernel; row++) {
      for (let i = corner + row * width; i < corner + row * width + this.kernel; i++) {
        if (Number.isNaN(data[i])) return i;
        if (data[i] > data[best]) best = i;
      }
    }
    return best;
  }

  /** @param {Tensor} grad */
  backward(grad) {
    const dx = tensor(this.shape);
    for (let i = 0; i < grad.data.length; i++) dx.data[this.from[i]] += grad.data[i];
    return dx;
  }
}

export class ReLU {
  /** @type {Tensor[]} */
  parameters = [];
  /** @type {Tensor[]} */
  gradients = [];
  x = tensor([0]);

  /** @param {Tensor} x */
  forward(x) {
    this.x = x;
    return tensor(x.shape, x.data.map(relu));
  }

  /** @param {Tensor} grad */
  backward(grad) {
    const passed = grad.data.map((slope, i) => (this.x.data[i] <= 0 ? 0 : slope)); // all of it where the input is NaN
    return tensor(grad.shape, passed);
  }
}

/** All numbers of an example in one row. */
export class Flatten {
  /** @type {Tensor[]} */
  parameters = [];
  /** @type {Tensor[]} */
  gradients = [];
  shape = [0];

  /** @param {Tensor} x */
  forward(x) {
    this.shape = x.shape;
    return tensor([x.shape[0], x.data.length / x.shape[0]], x.data);
  }

  /** @param {Tensor} grad */
  backward(grad) {
    return tensor(this.shape, grad.data);
  }
}

/** Every output a weighted sum of all inputs, plus a bias: `weight` (outputs, inputs). */
export class Linear {
  x = tensor([0, 0]);

  /** @param {{ weight: Tensor, bias: Tensor }} settings */
  constructor({ weight, bias }) {
    this.weight = weight;
    this.bias = bias;
    this.parameters = [weight, bias];
    this.gradients = this.parameters.map(zerosLike);
  }

  /** @param {Tensor} x */
  forward(x) {
    this.x = x;
    const [outputs, inputs] = this.weight.shape;
    const out = tensor([x.shape[0], outputs]);
    for (let i = 0; i < out.data.length; i++) {
      const [example, output] = [Math.floor(i / outputs), i % outputs];
      out.data[i] = this.bias.data[output] + product(x.data, example * inputs, this.weight.data, output * inputs, inputs);
    }
    return out;
  }

  /** @param {Tensor} grad */
  backward(grad) {
    const [dweight, dbias] = this.gradients;
    const [outputs, inputs] = this.weight.shape;
    const dx = zerosLike(this.x);
    dweight.data.fill(0);
    dbias.data.fill(0);
    for (let i = 0; i < grad.data.length; i++) {
      const [example, output] = [Math.floor(i / outputs) * inputs, (i % outputs) * inputs];
      dbias.data[i % outputs] += grad.data[i];
      add(dweight.data, output, this.x.data, example, grad.data[i], inputs);
      add(dx.data, example, this.weight.data, output, grad.data[i], inputs);
    }
    return dx;
  }
}

/**
 * to += factor * from, over `count` numbers in a row. Products that single precision cannot hold are infinite, as in the package.
 * @param {Float32Array} to
 * @param {number} toAt
 * @param {Float32Array} from
 * @param {number} fromAt
 * @param {number} factor
 * @param {number} count
 */
function add(to, toAt, from, fromAt, factor, count) {
  for (let i = 0; i < count; i++) to[toAt + i] += fround(factor * from[fromAt + i]);
}

/**
 * @param {Float32Array} a
 * @param {number} aAt
 * @param {Float32Array} b
 * @param {number} bAt
 * @param {number} count
 */
function product(a, aAt, b, bAt, count) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += fround(a[aAt + i] * b[bAt + i]);
  return sum;
}

/** Layers one after the other: what comes out of one goes into the next. */
export class Sequential {
  /** @param {Layer[]} layers */
  constructor(layers) {
    this.layers = layers;
    this.parameters = layers.flatMap((layer) => layer.parameters);
    this.gradients = layers.flatMap((layer) => layer.gradients);
  }

  /**
   * What every layer gives, the last one's scores at the end.
   * @param {Tensor} x
   * @returns {Tensor[]}
   */
  activations(x) {
    return this.layers.map((layer) => (x = layer.forward(x)));
  }

  /** @param {Tensor} x */
  forward(x) {
    return this.activations(x)[this.layers.length - 1];
  }

  /**
   * The gradients of all weights, by the chain rule from the last layer to the first, whose input learns nothing.
   *
   * @param {Tensor} grad
   */
  backward(grad) {
    for (let place = this.layers.length - 1; place >= 0; place--) {
      const next = this.layers[place].backward(grad, place > 0);
      if (next) grad = next;
    }
  }
}

/** @type {Record<string, new (settings: any) => Layer>} each takes the settings of its own kind */
const KINDS = { Conv2d, MaxPool2d, ReLU, Flatten, Linear };

/**
 * A network from what the package says of its layers: [{ kind, ...settings and weights }].
 * @param {LayerSettings[]} layers
 */
export function networkOf(layers) {
  return new Sequential(layers.map(({ kind, ...settings }) => new KINDS[kind](settings)));
}

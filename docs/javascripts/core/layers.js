// Layers: forward beside backward, on batches { shape: [N, C, H, W], data }, data a Float32Array. Held to cnnguide.layers.

export function tensor(shape, data = new Float32Array(shape.reduce((product, length) => product * length, 1))) {
  return { shape, data };
}

const zerosLike = ({ shape }) => tensor(shape);

/** A convolution with stride 1: `weight` (outputs, inputs, rows, columns), one bias for each output, zeros around the image. */
export class Conv2d {
  constructor({ weight, bias, padding = 0 }) {
    Object.assign(this, { weight, bias, padding });
    this.parameters = [weight, bias];
    this.gradients = this.parameters.map(zerosLike);
  }

  forward(x) {
    this.shape = x.shape;
    this.patches = patchesOf(x, this.weight.shape, this.padding);
    const [taps, places] = [this.patches.taps.length, this.patches.places];
    const out = tensor([x.shape[0], this.bias.shape[0], this.patches.height, this.patches.width]);
    this.#eachPlane(out, (at, output, patches) => {
      out.data.fill(this.bias.data[output], at, at + places);
      for (let tap = 0; tap < taps; tap++) {
        add(out.data, at, this.patches.data, patches + tap * places, this.weight.data[output * taps + tap], places);
      }
    });
    return out;
  }

  /** Stores the gradients of weights and biases; returns that of the input, unless nobody needs it. */
  backward(grad, inputToo = true) {
    const [dweight, dbias] = this.gradients;
    const [taps, places] = [this.patches.taps.length, this.patches.places];
    const dpatches = inputToo ? new Float32Array(this.patches.data.length) : null;
    dweight.data.fill(0);
    dbias.data.fill(0);
    this.#eachPlane(grad, (at, output, patches) => {
      for (let i = at; i < at + places; i++) dbias.data[output] += grad.data[i];
      for (let tap = 0; tap < taps; tap++) {
        const [weight, patch] = [output * taps + tap, patches + tap * places];
        dweight.data[weight] += product(grad.data, at, this.patches.data, patch, places);
        if (inputToo) add(dpatches, patch, grad.data, at, this.weight.data[weight], places);
      }
    });
    return inputToo ? imagesOf({ ...this.patches, data: dpatches }, this.shape) : null;
  }

  /** For each image and each output channel: where its plane begins, and where the patches of the image do. */
  #eachPlane({ shape: [count, outputs] }, visit) {
    const { taps, places } = this.patches;
    for (let plane = 0; plane < count * outputs; plane++) {
      visit(plane * places, plane % outputs, Math.floor(plane / outputs) * taps.length * places);
    }
  }
}

/**
 * What lies under the kernel at each of its places, laid out weight by weight: a row of `places` numbers for each of the `taps`,
 * image after image. So all that is left of a convolution is products of long rows, which engines make fast.
 */
function patchesOf(x, [, inputs, rows, columns], padding) {
  const [count, , high, wide] = x.shape;
  const [height, width] = [high + 2 * padding - rows + 1, wide + 2 * padding - columns + 1];
  const taps = [];
  for (let input = 0; input < inputs; input++) {
    for (let row = -padding; row < rows - padding; row++) {
      for (let column = -padding; column < columns - padding; column++) taps.push({ input, row, column });
    }
  }
  const places = height * width;
  const patches = { taps, height, width, places, data: new Float32Array(count * taps.length * places) };
  eachRow(patches, x.shape, (patch, at, length) => patches.data.set(x.data.subarray(at, at + length), patch));
  return patches;
}

/** The way back: each pixel gets the sum of all that it became. */
function imagesOf(patches, shape) {
  const x = tensor(shape);
  eachRow(patches, shape, (patch, at, length) => add(x.data, at, patches.data, patch, 1, length));
  return x;
}

/** For each row of pixels under each tap: where it stands in the patches and in the images, and how much of it is no border. */
function eachRow({ taps, height, width }, [count, inputs, high, wide], visit) {
  for (let image = 0, patch = 0; image < count; image++) {
    for (const { input, row, column } of taps) {
      const first = Math.max(0, -column);
      const length = Math.min(width, wide - column) - first;
      for (let r = 0; r < height; r++, patch += width) {
        if (r + row < 0 || r + row >= high) continue;
        visit(patch + first, ((image * inputs + input) * high + r + row) * wide + column + first, length);
      }
    }
  }
}

/** The largest number of each window; windows lie side by side. Where several are equally large, the first counts. */
export class MaxPool2d {
  parameters = [];
  gradients = [];

  constructor({ kernel }) {
    this.kernel = kernel;
  }

  forward(x) {
    const [count, channels, height, width] = x.shape;
    const out = tensor([count, channels, Math.floor(height / this.kernel), Math.floor(width / this.kernel)]);
    const [, , rows, columns] = out.shape;
    this.from = new Int32Array(out.data.length); // the place of each largest number: there its gradient goes
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

  #largest(data, corner, width) {
    let best = corner;
    for (let row = 0; row < this.kernel; row++) {
      for (let i = corner + row * width; i < corner + row * width + this.kernel; i++) if (data[i] > data[best]) best = i;
    }
    return best;
  }

  backward(grad) {
    const dx = tensor(this.shape);
    for (let i = 0; i < grad.data.length; i++) dx.data[this.from[i]] += grad.data[i];
    return dx;
  }
}

export class ReLU {
  parameters = [];
  gradients = [];

  forward(x) {
    this.x = x;
    return tensor(x.shape, x.data.map((value) => (value > 0 ? value : 0 * value))); // keeps what is no number
  }

  backward(grad) {
    return tensor(grad.shape, grad.data.map((slope, i) => (this.x.data[i] > 0 ? slope : 0)));
  }
}

/** All numbers of an example in one row. */
export class Flatten {
  parameters = [];
  gradients = [];

  forward(x) {
    this.shape = x.shape;
    return tensor([x.shape[0], x.data.length / x.shape[0]], x.data);
  }

  backward(grad) {
    return tensor(this.shape, grad.data);
  }
}

/** Every output a weighted sum of all inputs, plus a bias: `weight` (outputs, inputs). */
export class Linear {
  constructor({ weight, bias }) {
    Object.assign(this, { weight, bias });
    this.parameters = [weight, bias];
    this.gradients = this.parameters.map(zerosLike);
  }

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

/** to += factor * from, over `count` numbers in a row. */
function add(to, toAt, from, fromAt, factor, count) {
  for (let i = 0; i < count; i++) to[toAt + i] += factor * from[fromAt + i];
}

function product(a, aAt, b, bAt, count) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += a[aAt + i] * b[bAt + i];
  return sum;
}

/** Layers one after the other: what comes out of one goes into the next. */
export class Sequential {
  constructor(layers) {
    this.layers = layers;
    this.parameters = layers.flatMap((layer) => layer.parameters);
    this.gradients = layers.flatMap((layer) => layer.gradients);
  }

  /** What every layer gives, the last one's scores at the end. */
  activations(x) {
    return this.layers.map((layer) => (x = layer.forward(x)));
  }

  forward(x) {
    return this.activations(x).at(-1);
  }

  /** The gradients of all weights, by the chain rule from the last layer to the first, whose input learns nothing. */
  backward(grad) {
    for (let place = this.layers.length - 1; place >= 0; place--) grad = this.layers[place].backward(grad, place > 0);
  }
}

const KINDS = { Conv2d, MaxPool2d, ReLU, Flatten, Linear };

/** A network from what the package says of its layers: [{ kind, ...settings and weights }]. */
export function networkOf(layers) {
  return new Sequential(layers.map(({ kind, ...settings }) => new KINDS[kind](settings)));
}

// A random signal on its way through the layers of a random network, and a random gradient on its way back. Held to the
// layers of the package and to cnnguide.experiments.initialization.

import { ACTIVATIONS } from "./activations.js";

export const SAMPLES = 8; // inputs that go through at once, one per row; a multiple of four, see timesTransposed

/**
 * Send `input` forward and `last` (the gradient at the end) back; `weights` holds a matrix for each layer, row by row,
 * of which each entry counts `scale` times. A generator: it pauses after each layer, so that a page can do something
 * else, and returns { sums, outputs, gradients }; outputs[0] is the input, gradients[layer] the gradient for
 * outputs[layer].
 * @param {{ activation: ActivationName, weights: Float64Array[], scale: number, input: Float64Array, last: Float64Array, width: number }} run
 * @returns {Generator<undefined, { sums: Float64Array[], outputs: Float64Array[], gradients: Float64Array[] }>}
 */
export function* signalAndGradient({ activation, weights, scale, input, last, width }) {
  const { value, slope } = ACTIVATIONS[activation];
  /** @type {Float64Array[]} */
  const sums = [];
  const outputs = [input];
  for (const weight of weights) {
    const sum = timesTransposed(outputs[outputs.length - 1], weight, width, scale);
    sums.push(sum);
    outputs.push(sum.map(value));
    yield;
  }
  const gradients = [last];
  for (let layer = sums.length - 1; layer >= 0; layer--) {
    const gradient = sums[layer].map((z, i) => gradients[0][i] * slope(z));
    gradients.unshift(times(gradient, weights[layer], width, scale));
    yield;
  }
  return { sums, outputs, gradients };
}

/**
 * scale · x @ weight.T. Four rows of x at a time, so that each weight is read once for four.
 * @param {Float64Array} x
 * @param {Float64Array} weight
 * @param {number} width
 * @param {number} scale
 */
function timesTransposed(x, weight, width, scale) {
  const out = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += 4 * width) {
    const [second, third, fourth] = [row + width, row + 2 * width, row + 3 * width];
    for (let unit = 0; unit < width; unit++) {
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      const start = unit * width;
      for (let i = 0; i < width; i++) {
        const w = weight[start + i];
        a += w * x[row + i];
        b += w * x[second + i];
        c += w * x[third + i];
        d += w * x[fourth + i];
      }
      out[row + unit] = scale * a;
      out[second + unit] = scale * b;
      out[third + unit] = scale * c;
      out[fourth + unit] = scale * d;
    }
  }
  return out;
}

/**
 * scale · x @ weight.
 * @param {Float64Array} x
 * @param {Float64Array} weight
 * @param {number} width
 * @param {number} scale
 */
function times(x, weight, width, scale) {
  const out = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += 4 * width) {
    const [second, third, fourth] = [row + width, row + 2 * width, row + 3 * width];
    for (let unit = 0; unit < width; unit++) {
      const [a, b, c, d] = [row, second, third, fourth].map((start) => scale * x[start + unit]);
      const start = unit * width;
      for (let i = 0; i < width; i++) {
        const w = weight[start + i];
        out[row + i] += a * w;
        out[second + i] += b * w;
        out[third + i] += c * w;
        out[fourth + i] += d * w;
      }
    }
  }
  return out;
}

/**
 * The mean of the squares.
 * @param {ArrayLike<number>} values
 */
export function meanSquare(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum / values.length;
}

/**
 * The mean squares of the output and of the slope, for sums that are normal with this variance.
 *
 * @type {Record<ActivationName, (variance: number) => number[]>}
 */
const MOMENTS = {
  linear: (variance) => [variance, 1],
  relu: (variance) => [variance / 2, 1 / 2],
  tanh: (variance) => integrated("tanh", variance),
  sigmoid: (variance) => integrated("sigmoid", variance),
};

/**
 * By the trapezoid rule in u, where the standard normal number is a · sinh u: steps are fine where a steep activation
 * needs it.
 * @param {ActivationName} activation
 * @param {number} variance
 */
function integrated(activation, variance) {
  const { value, slope } = ACTIVATIONS[activation];
  const deviation = Math.sqrt(variance);
  const a = 1 / Math.max(1, deviation);
  const [end, step] = [Math.asinh(9 / a), 0.05];
  let [outputs, slopes] = [0, 0];
  for (let u = -end; u <= end; u += step) {
    const z = a * Math.sinh(u);
    const density = (a * Math.cosh(u) * Math.exp((-z * z) / 2) * step) / Math.sqrt(2 * Math.PI);
    outputs += density * value(deviation * z) ** 2;
    slopes += density * slope(deviation * z) ** 2;
  }
  return [outputs, slopes];
}

/**
 * The mean squares that theory expects, of every output and every gradient, where both start at 1. On average over all
 * draws for linear layers and ReLU; for the others in the limit of wide layers, whose sums are normal.
 *
 * Source: Poole et al., "Exponential expressivity in deep neural networks" (2016), section 2, for the signal;
 * Schoenholz et al., "Deep information propagation" (2017), section on back-propagation, for the gradient.
 * @param {{ activation: ActivationName, variance: number, width: number, depth: number }} of
 */
export function expected({ activation, variance, width, depth }) {
  const signal = [1];
  /** @type {number[]} */
  const factors = []; // of the gradient, by layer
  for (let layer = 0; layer < depth; layer++) {
    const [output, slope] = MOMENTS[activation](width * variance * signal[layer]);
    signal.push(output);
    factors.push(width * variance * slope);
  }
  const gradient = [1];
  for (const factor of factors.reverse()) gradient.unshift(factor * gradient[0]);
  return { signal, gradient };
}

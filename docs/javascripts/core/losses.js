// Losses for scores (N, classes), with their gradients. Held to cnnguide.losses and cnnguide.activations.

import { tensor } from "./layers.js";

/**
 * Scores as probabilities: positive, and 1 in all for each example.
 * @param {Tensor} scores
 */
export function softmax({ shape, data }) {
  const [count, classes] = shape;
  const out = tensor(shape);
  for (let start = 0; start < count * classes; start += classes) {
    const scores = data.subarray(start, start + classes);
    const most = scores.reduce((a, b) => Math.max(a, b)); // taken off, so that no power is too large
    const powers = Float64Array.from(scores, (score) => Math.exp(score - most));
    const sum = powers.reduce((a, b) => a + b);
    for (let i = 0; i < classes; i++) out.data[start + i] = powers[i] / sum;
  }
  return out;
}

/**
 * The mean over a batch of minus the logarithm of the right class's probability.
 * @param {Tensor} scores
 * @param {ArrayLike<number>} target
 */
export function crossEntropy({ shape: [count, classes], data }, target) {
  let total = 0;
  for (let example = 0; example < count; example++) {
    const scores = data.subarray(example * classes, (example + 1) * classes);
    const most = scores.reduce((a, b) => Math.max(a, b));
    total += Math.log(scores.reduce((sum, score) => sum + Math.exp(score - most), 0)) + most - scores[target[example]];
  }
  return total / count;
}

/**
 * Its slope for every score: what the network believes, less what is right.
 * @param {Tensor} scores
 * @param {number[]} target
 */
export function crossEntropyBackward(scores, target) {
  const [count, classes] = scores.shape;
  const grad = softmax(scores);
  target.forEach((right, example) => (grad.data[example * classes + right] -= 1));
  for (let i = 0; i < grad.data.length; i++) grad.data[i] /= count;
  return grad;
}

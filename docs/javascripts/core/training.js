// Training a classifier, step by step. Held to cnnguide.training.

import { fans, normal, VARIANCES } from "./initializers.js";
import { networkOf, tensor } from "./layers.js";
import { crossEntropy, crossEntropyBackward } from "./losses.js";
import { AdaGrad, Adam, RMSProp, SGD } from "./optimizers.js";

const MOMENTUM = 0.9;

/**
 * The update rules by name, each made from its learning rate; momentum and all else as in the chapter's comparison.
 *
 * @type {Record<string, (lr: number) => Rule>}
 */
export const RULES = {
  sgd: (lr) => new SGD({ lr }),
  momentum: (lr) => new SGD({ lr, momentum: MOMENTUM }),
  nesterov: (lr) => new SGD({ lr, momentum: MOMENTUM, nesterov: true }),
  adagrad: (lr) => new AdaGrad({ lr }),
  rmsprop: (lr) => new RMSProp({ lr }),
  adam: (lr) => new Adam({ lr }),
};

/**
 * The variance of the first weights, from the fans: as it should be, and two ways to do it wrong.
 *
 * @type {Record<string, (fanIn: number, fanOut: number) => number>}
 */
export const STARTS = {
  he: VARIANCES.he,
  xavier: VARIANCES.xavier,
  zeros: () => 0,
  large: (fanIn, fanOut) => 100 * VARIANCES.he(fanIn, fanOut),
};

/**
 * The same layers with weights drawn anew, and no biases.
 * @param {LayerSettings[]} layers
 * @param {string} start
 * @param {RandomSource} random
 */
export function untrained(layers, start, random) {
  /** @param {Tensor} first */
  const weight = ({ shape }) => tensor(shape, Float32Array.from(normal(shape, STARTS[start](...fans(shape)), random)));
  return networkOf(
    layers.map((layer) =>
      layer.weight && layer.bias ? { ...layer, weight: weight(layer.weight), bias: tensor(layer.bias.shape) } : layer,
    ),
  );
}

/**
 * Forward, loss, backward, step: returns the loss before the step. A loss that is not a number moves nothing.
 * @param {import("./layers.js").Sequential} network
 * @param {Rule} optimizer
 * @param {Tensor} x
 * @param {number[]} target
 */
export function trainingStep(network, optimizer, x, target) {
  const scores = network.forward(x);
  const loss = crossEntropy(scores, target);
  if (!Number.isFinite(loss)) return loss;
  network.backward(crossEntropyBackward(scores, target));
  optimizer.step(
    network.parameters.map(({ data }) => data),
    network.gradients.map(({ data }) => data),
  );
  return loss;
}

/**
 * Did nothing of the last examples reach the last layer? Then no weight before it learns any more.
 * @param {import("./layers.js").Sequential} network
 */
export function isDead(network) {
  const { x } = /** @type {import("./layers.js").Linear} */ (network.layers.at(-1));
  return x.data.every((value) => value === 0);
}

/**
 * The classes with the largest scores, one for each example.
 * @param {Pick<import("./layers.js").Sequential, "forward">} network
 * @param {Tensor} x
 */
export function readings(network, x) {
  const {
    shape: [count, classes],
    data,
  } = network.forward(x);
  return Array.from({ length: count }, (_, example) => {
    const scores = data.subarray(example * classes, (example + 1) * classes);
    return scores.reduce((best, score, which) => (score > scores[best] ? which : best), 0);
  });
}

/**
 * Some of the examples, by their places: { x, target }.
 * @param {Examples} examples
 * @param {number[]} places
 */
export function batchOf({ x, target }, places) {
  const size = x.data.length / x.shape[0];
  const batch = tensor([places.length, ...x.shape.slice(1)]);
  places.forEach((place, i) => batch.data.set(x.data.subarray(place * size, (place + 1) * size), i * size));
  return { x: batch, target: places.map((place) => target[place]) };
}

/**
 * The places of all examples in batches, epoch after epoch, each in another order.
 * @param {number} count
 * @param {number} size
 * @param {RandomSource} random
 * @returns {Generator<number[], never>}
 */
export function* batches(count, size, random) {
  for (;;) {
    const order = random.shuffle(Array.from({ length: count }, (_, place) => place));
    for (let start = 0; start < count; start += size) yield order.slice(start, start + size);
  }
}

/**
 * Which layer broke first, in words, found by going through the network once more.
 * @param {import("./layers.js").Sequential} network
 * @param {Tensor} x
 * @param {number} step
 * @param {number} lr
 */
export function diagnosis(network, x, step, lr) {
  /** @param {Tensor} array */
  const finite = ({ data }) => data.every(Number.isFinite);
  for (const [place, layer] of network.layers.entries()) {
    const name = `layer ${place} (${layer.constructor.name})`;
    const broken = layer.parameters.every(finite) ? null : `the weights of ${name} are`;
    x = layer.forward(x);
    if (broken || !finite(x)) {
      return `At step ${step} ${broken ?? `the output of ${name} is`} no longer finite, with learning rate ${lr}; try a smaller one.`;
    }
  }
  return "";
}

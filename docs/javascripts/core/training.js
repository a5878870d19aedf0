// Training a classifier, step by step. Held to cnnguide.training.

import { fans, normal, VARIANCES } from "./initializers.js";
import { networkOf, tensor } from "./layers.js";
import { crossEntropy, crossEntropyBackward } from "./losses.js";
import { AdaGrad, Adam, RMSProp, SGD } from "./optimizers.js";

const MOMENTUM = 0.9;

/** The update rules by name, each made from its learning rate; momentum and all else as in the chapter's comparison. */
export const RULES = {
  sgd: (lr) => new SGD({ lr }),
  momentum: (lr) => new SGD({ lr, momentum: MOMENTUM }),
  nesterov: (lr) => new SGD({ lr, momentum: MOMENTUM, nesterov: true }),
  adagrad: (lr) => new AdaGrad({ lr }),
  rmsprop: (lr) => new RMSProp({ lr }),
  adam: (lr) => new Adam({ lr }),
};

/** The variance of the first weights, from the fans: as it should be, and two ways to do it wrong. */
export const STARTS = {
  he: VARIANCES.he,
  xavier: VARIANCES.xavier,
  zeros: () => 0,
  large: (...fans) => 100 * VARIANCES.he(...fans),
};

/** The same layers with weights drawn anew, and no biases. */
export function untrained(layers, start, random) {
  const weight = ({ shape }) => tensor(shape, Float32Array.from(normal(shape, STARTS[start](...fans(shape)), random)));
  return networkOf(
    layers.map((layer) => (layer.weight ? { ...layer, weight: weight(layer.weight), bias: tensor(layer.bias.shape) } : layer)),
  );
}

/** Forward, loss, backward, step: returns the loss before the step. A loss that is no number moves nothing. */
export function trainingStep(network, optimizer, x, target) {
  const scores = network.forward(x);
  const loss = crossEntropy(scores, target);
  if (!Number.isFinite(loss)) return loss;
  network.backward(crossEntropyBackward(scores, target));
  optimizer.step(...[network.parameters, network.gradients].map((arrays) => arrays.map(({ data }) => data)));
  return loss;
}

/** Did nothing of the last examples reach the last layer? Then no weight before it learns any more. */
export function isDead(network) {
  return network.layers.at(-1).x.data.every((value) => value === 0);
}

/** The classes with the largest scores, one for each example. */
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

/** Some of the examples, by their places: { x, target }. */
export function batchOf({ x, target }, places) {
  const size = x.data.length / x.shape[0];
  const batch = tensor([places.length, ...x.shape.slice(1)]);
  places.forEach((place, i) => batch.data.set(x.data.subarray(place * size, (place + 1) * size), i * size));
  return { x: batch, target: places.map((place) => target[place]) };
}

/** The places of all examples in batches, epoch after epoch, each in another order. */
export function* batches(count, size, random) {
  for (;;) {
    const order = random.shuffle(Array.from({ length: count }, (_, place) => place));
    for (let start = 0; start < count; start += size) yield order.slice(start, start + size);
  }
}

/** Which layer broke first, in words, found by going through the network once more. */
export function diagnosis(network, x, step, lr) {
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

// A network so small that every number of it can be looked at: inputs, a few tanh units, scores. Held to
// cnnguide.experiments.initialization (little_network, train_little_network) and to the layers of the package.

import { tanh } from "./activations.js";
import { fans, normal, VARIANCES } from "./initializers.js";

/** @type {(keyof LittleWeights)[]} */
const PARTS = ["first", "bias", "second", "lastBias"];

/**
 * All weights equal, all biases zero. `first` holds a row for each unit, `second` a row for each score.
 * @param {{ inputs: number, hidden: number, scores: number, weight: number }} sizes
 * @returns {LittleNetwork}
 */
export function littleNetwork({ inputs, hidden, scores, weight }) {
  return {
    inputs,
    hidden,
    scores,
    first: new Float64Array(hidden * inputs).fill(weight),
    bias: new Float64Array(hidden),
    second: new Float64Array(scores * hidden).fill(weight),
    lastBias: new Float64Array(scores),
  };
}

/**
 * What may be changed at the start, by the names that the package has for it; dropout changes every step instead.
 *
 * @type {Record<string, (network: LittleNetwork, random: RandomSource) => void>}
 */
export const CHANGES = {
  nothing: () => {},
  "all weights zero": ({ first, second }) => [first, second].forEach((weights) => weights.fill(0)),
  "first layer random": (network, random) => draw(network, "first", random),
  "second layer random": (network, random) => draw(network, "second", random),
  "first zero, second random": (network, random) => {
    draw(network, "second", random);
    network.first.fill(0);
  },
  "first random, second zero": (network, random) => {
    draw(network, "first", random);
    network.second.fill(0);
  },
  "biases random": ({ bias }, random) => bias.forEach((_, unit) => (bias[unit] = random.normal())),
  dropout: () => {},
  "both random": (network, random) => {
    draw(network, "first", random);
    draw(network, "second", random);
  },
};

/**
 * @param {LittleNetwork} network
 * @param {"first" | "second"} layer
 * @param {RandomSource} random
 */
function draw(network, layer, random) {
  const { inputs, hidden, scores } = network;
  const shape = layer === "first" ? [hidden, inputs] : [scores, hidden];
  network[layer].set(normal(shape, VARIANCES.lecun(...fans(shape)), random));
}

/**
 * For each example and unit what its output is multiplied by: 0 or, so that the mean stays, 1 / (1 − drop).
 * @param {number} count
 * @param {number} drop
 * @param {RandomSource} random
 */
function dropoutMask(count, drop, random) {
  return Float64Array.from({ length: count }, () => (random.uniform() >= drop ? 1 / (1 - drop) : 0));
}

/**
 * The mean loss over all examples, the outputs of the units for each, and the gradient of every weight and bias. `x`
 * holds a row for each example, `target` the number of its class; a `mask` silences units.
 * @param {LittleNetwork} network
 * @param {LittleExamples} examples
 * @param {ArrayLike<number>} [mask]
 */
export function lossAndGradients(network, { x, target }, mask) {
  const { inputs, hidden, scores, second, lastBias } = network;
  const count = target.length;
  const gradients = {
    first: new Float64Array(hidden * inputs),
    bias: new Float64Array(hidden),
    second: new Float64Array(scores * hidden),
    lastBias: new Float64Array(scores),
  };
  const outputs = unitOutputs(network, x);
  const [active, logits, toUnits] = [new Float64Array(hidden), new Float64Array(scores), new Float64Array(hidden)];
  let loss = 0;
  for (let example = 0; example < count; example++) {
    const [row, start] = [example * hidden, example * inputs];
    for (let unit = 0; unit < hidden; unit++) active[unit] = outputs[row + unit] * (mask ? mask[row + unit] : 1);
    for (let score = 0; score < scores; score++) {
      logits[score] = lastBias[score];
      for (let unit = 0; unit < hidden; unit++) logits[score] += second[score * hidden + unit] * active[unit];
    }
    loss += crossEntropy(logits, target[example]) / count; // turns the scores into their gradient
    toUnits.fill(0);
    for (let score = 0; score < scores; score++) {
      const grad = logits[score] / count;
      gradients.lastBias[score] += grad;
      for (let unit = 0; unit < hidden; unit++) {
        gradients.second[score * hidden + unit] += grad * active[unit];
        toUnits[unit] += grad * second[score * hidden + unit];
      }
    }
    for (let unit = 0; unit < hidden; unit++) {
      const output = outputs[row + unit];
      const grad = toUnits[unit] * (mask ? mask[row + unit] : 1) * (1 - output * output);
      gradients.bias[unit] += grad;
      for (let i = 0; i < inputs; i++) gradients.first[unit * inputs + i] += grad * x[start + i];
    }
  }
  return { loss, outputs, gradients };
}

/**
 * What the units give, a row for each example.
 * @param {LittleNetwork} network
 * @param {ArrayLike<number>} x
 */
function unitOutputs({ inputs, hidden, first, bias }, x) {
  const outputs = new Float64Array((x.length / inputs) * hidden);
  for (let at = 0; at < outputs.length; at++) {
    const unit = at % hidden;
    const start = ((at - unit) / hidden) * inputs;
    let sum = bias[unit];
    for (let i = 0; i < inputs; i++) sum += first[unit * inputs + i] * x[start + i];
    outputs[at] = tanh(sum);
  }
  return outputs;
}

/**
 * The loss of one example; leaves in place of the scores the gradient for them, probabilities minus what they should
 * be.
 * @param {Float64Array} logits
 * @param {number} target
 */
function crossEntropy(logits, target) {
  const most = Math.max(...logits);
  const wanted = logits[target] - most;
  let sum = 0;
  for (let score = 0; score < logits.length; score++) sum += logits[score] = Math.exp(logits[score] - most);
  for (let score = 0; score < logits.length; score++) logits[score] /= sum;
  logits[target] -= 1;
  return Math.log(sum) - wanted;
}

/**
 * A step against the gradients, in place.
 * @param {LittleNetwork} network
 * @param {LittleWeights} gradients
 * @param {number} rate
 */
export function descend(network, gradients, rate) {
  for (const name of PARTS) {
    const [weights, gradient] = [network[name], gradients[name]];
    for (let i = 0; i < weights.length; i++) weights[i] -= rate * gradient[i];
  }
}

/**
 * How far apart the units are: the largest difference between weights at the same place of the first layer.
 * @param {LittleNetwork} network
 */
export function unlike({ inputs, hidden, first }) {
  let most = 0;
  for (let i = 0; i < inputs; i++) {
    const weights = Array.from({ length: hidden }, (_, unit) => first[unit * inputs + i]);
    most = Math.max(most, Math.max(...weights) - Math.min(...weights));
  }
  return most;
}

/**
 * Train, and keep what there is to see before each step and after the last: { loss, unlike, outputs, gradients, and the
 * weights }. A generator that pauses after every step.
 * @param {LittleNetwork} network
 * @param {LittleExamples} examples
 * @param {{ steps: number, rate: number, drop?: number, random: RandomSource }} options
 * @returns {Generator<undefined, LittleMoment[]>}
 */
export function* train(network, examples, { steps, rate, drop = 0, random }) {
  /** @type {LittleMoment[]} */
  const history = [];
  for (let step = 0; ; step++) {
    const mask = drop ? dropoutMask(network.hidden * examples.target.length, drop, random) : undefined;
    const found = lossAndGradients(network, examples, mask);
    history.push({
      loss: mask ? lossAndGradients(network, examples).loss : found.loss, // dropout is for training only
      unlike: unlike(network),
      outputs: found.outputs.slice(0, network.hidden), // for the first example
      gradients: found.gradients,
      first: network.first.slice(),
      bias: network.bias.slice(),
      second: network.second.slice(),
      lastBias: network.lastBias.slice(),
    });
    if (step === steps) return history;
    descend(network, found.gradients, rate);
    yield;
  }
}

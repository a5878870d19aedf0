// How weights are drawn: the variance depends on how many inputs a unit sums up. Held to cnnguide.initializers.

/**
 * Inputs that one unit sums up, and outputs that one input reaches: [fanIn, fanOut]; shapes are (out, in / groups, kernel ...).
 * @param {number[]} shape
 * @returns {[number, number]}
 */
export function fans([out, inputs, ...kernel], groups = 1) {
  const positions = kernel.reduce((product, side) => product * side, 1);
  return [inputs * positions, (out / groups) * positions];
}

/**
 * The variance of a weight by scheme, from the two fans; each scheme has a normal and a uniform form.
 *
 * @type {Record<"lecun" | "xavier" | "he" | "pytorch", (fanIn: number, fanOut: number) => number>}
 */
export const VARIANCES = {
  lecun: (fanIn) => 1 / fanIn,
  xavier: (fanIn, fanOut) => 2 / (fanIn + fanOut),
  he: (fanIn) => 2 / fanIn,
  pytorch: (fanIn) => 1 / (3 * fanIn), // what torch.nn.Linear and Conv2d take unless asked: uniform up to 1 / √fanIn
};

/**
 * @param {number[]} shape
 * @param {() => number} draw
 */
function drawn(shape, draw) {
  const weights = new Float64Array(shape.reduce((product, side) => product * side, 1));
  for (let i = 0; i < weights.length; i++) weights[i] = draw();
  return weights;
}

/**
 * Weights from a normal distribution; `random` is a generator with `normal()`.
 * @param {number[]} shape
 * @param {number} variance
 * @param {Pick<RandomSource, "normal">} random
 */
export function normal(shape, variance, random) {
  const deviation = Math.sqrt(variance);
  return drawn(shape, () => deviation * random.normal());
}

/**
 * Weights from a uniform distribution around zero; `random` is a generator with `uniform()`.
 * @param {number[]} shape
 * @param {number} variance
 * @param {Pick<RandomSource, "uniform">} random
 */
export function uniform(shape, variance, random) {
  const bound = Math.sqrt(3 * variance);
  return drawn(shape, () => bound * (2 * random.uniform() - 1));
}

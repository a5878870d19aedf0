// One large kernel against a stack of 3x3 that sees as far: what each stores, computes and keeps. Counted by shapes.js.

import { convMacs, convOutputSize, convParameters } from "./shapes.js";

/**
 * How many 3x3 see as far as one kernel: each adds two pixels to the one at the start.
 * @param {number} kernel
 */
export function depthOf(kernel) {
  return (kernel - 1) / 2;
}

/**
 * The layers of both sides, as [kernel, channels in, channels out].
 * @param {StackChoice} choice
 */
function layersOf({ kernel, channels: [inputs, between, outputs] }) {
  const depth = depthOf(kernel);
  const widths = [inputs, ...Array(depth - 1).fill(between), outputs];
  return { one: [[kernel, inputs, outputs]], stack: Array.from({ length: depth }, (_, i) => [3, widths[i], widths[i + 1]]) };
}

/**
 * { parameters, macs, kept } of `one` kernel and of the `stack`, for square images. `channels` are [in, between, out]; with
 * `padded` all maps keep the size of the image. Kept are the numbers in the maps that come out of the layers.
 * @param {StackChoice} choice
 */
export function compare(choice) {
  const { one, stack } = layersOf(choice);
  return { one: costs(one, choice), stack: costs(stack, choice) };
}

/**
 * @param {number[][]} layers
 * @param {StackChoice} choice
 */
function costs(layers, { side, bias, padded }) {
  const sum = { parameters: 0, macs: 0, kept: 0 };
  for (const [kernel, inputs, outputs] of layers) {
    const padding = padded ? (kernel - 1) / 2 : 0;
    sum.parameters += convParameters(inputs, outputs, kernel, 1, bias);
    sum.macs += convMacs(side, inputs, outputs, kernel, 1, padding);
    side = convOutputSize(side, kernel, 1, padding);
    sum.kept += side * side * outputs;
  }
  return sum;
}

const FURTHEST = 1e7;

/**
 * The smallest image side at which the stack multiplies no more than the one kernel does; Infinity where there is none.
 * @param {StackChoice} choice
 */
export function evenSide(choice) {
  /** @param {number} side */
  const pays = (side) => notMore(compare({ ...choice, side }), "macs");
  // From side to side the stack gains, as ever more outputs share what is between: halving finds where it is even.
  return firstThat(pays, choice.padded ? 1 : choice.kernel);
}

/**
 * The most channels between with which the stack costs no more in `what` than the one kernel; 0 where one is too many already.
 * @param {StackChoice} choice
 * @param {keyof Costs} what
 */
export function mostBetween(choice, what) {
  const {
    channels: [inputs, , outputs],
  } = choice;
  if (depthOf(choice.kernel) === 1) return Infinity; // nothing is between
  return firstThat((between) => !notMore(compare({ ...choice, channels: [inputs, between, outputs] }), what), 1) - 1;
}

/**
 * @param {{ one: Costs, stack: Costs }} both
 * @param {keyof Costs} what
 */
function notMore({ one, stack }, what) {
  return stack[what] <= one[what];
}

/**
 * The smallest whole number from `low` on that passes a test which, once passed, is passed by all larger ones.
 * @param {(number: number) => boolean} passes
 * @param {number} low
 */
function firstThat(passes, low) {
  let high = low;
  while (!passes(high)) {
    if (high > FURTHEST) return Infinity;
    high *= 2;
  }
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (passes(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

// Sizes and costs of convolutions: whole numbers in, whole numbers out. Held to cnnguide.shapes, messages included.
//
// Padding is per side, one number or [before, after]; a stride that does not divide drops the remainder. Images and kernels
// are square here.

/**
 * `value`, or word of what is wrong with it: a TypeError where it is not a whole number, a RangeError where it is too small.
 * @param {string} name
 * @param {unknown} value
 * @param {number} least
 * @returns {number}
 */
export function wholeNumber(name, value, least) {
  if (typeof value !== "number" || !Number.isInteger(value))
    throw new TypeError(`${name} must be a whole number, got ${value} (${typeof value})`);
  if (value < least) throw new RangeError(`${name} must be at least ${least}, got ${value}`);
  return value;
}

/**
 * The padding of one axis as [before, after].
 * @param {Padding} padding
 * @returns {[number, number]}
 */
export function bothSides(padding) {
  if (!Array.isArray(padding)) {
    const number = wholeNumber("padding", padding, 0);
    return [number, number];
  }
  if (padding.length !== 2) throw new RangeError(`padding must be one number or (before, after), got (${padding.join(", ")})`);
  return [wholeNumber("padding before", padding[0], 0), wholeNumber("padding after", padding[1], 0)];
}

/**
 * Number of positions that a kernel can take along one axis: the size of the output.
 * @param {number} size
 * @param {number} kernel
 * @param {number} stride
 * @param {Padding} padding
 * @param {number} dilation
 */
export function convOutputSize(size, kernel, stride = 1, padding = 0, dilation = 1) {
  wholeNumber("size", size, 1);
  wholeNumber("kernel", kernel, 1);
  wholeNumber("stride", stride, 1);
  wholeNumber("dilation", dilation, 1);
  const [before, after] = bothSides(padding);
  const span = dilation * (kernel - 1) + 1;
  const padded = size + before + after;
  if (span > padded) throw new RangeError(doesNotFit(size, kernel, [before, after], dilation));
  return Math.floor((padded - span) / stride) + 1;
}

/**
 * Number of windows that a pooling takes; with `ceilMode` a last one may hang over the end, if it begins before it.
 * @param {number} size
 * @param {number} kernel
 * @param {number} stride
 * @param {Padding} padding
 * @param {number} dilation
 * @param {boolean} ceilMode
 */
export function poolOutputSize(size, kernel, stride = kernel, padding = 0, dilation = 1, ceilMode = false) {
  const [before, after] = bothSides(padding);
  const spare = wholeNumber("size", size, 1) + before + after - wholeNumber("dilation", dilation, 1) * (kernel - 1) - 1;
  const steps = Math.ceil(spare / wholeNumber("stride", stride, 1));
  if (!ceilMode || steps < 0) return convOutputSize(size, kernel, stride, padding, dilation);
  return Math.min(steps + 1, Math.ceil((size + before) / stride));
}

/**
 * @param {number} size
 * @param {number} kernel
 * @param {[number, number]} padding
 * @param {number} dilation
 */
function doesNotFit(size, kernel, [before, after], dilation) {
  const span = dilation * (kernel - 1) + 1;
  const padded = size + before + after;
  const missing = span - padded;
  const remedies = [`a kernel of at most ${Math.floor((padded - 1) / dilation) + 1}`];
  if (dilation > 1 && padded >= kernel) {
    remedies.push(`a dilation of at most ${Math.floor((padded - 1) / (kernel - 1))}`);
  }
  remedies.push(`${missing} more of padding in all`, `an input of at least ${size + missing}`);
  return (
    `kernel ${kernel} with dilation ${dilation} spans ${span} pixels, but size ${size} with padding ` +
    `${before} + ${after} has only ${padded}; what would fit: ${remedies.join(", ")}`
  );
}

/**
 * The sizes when the same convolution is applied again and again: the start first, the last size last.
 * @param {number} size
 * @param {number} kernel
 * @param {number} stride
 * @param {Padding} padding
 * @param {number} dilation
 */
export function convChain(size, kernel = 3, stride = 1, padding = 0, dilation = 1) {
  const sizes = [wholeNumber("size", size, 1)];
  wholeNumber("stride", stride, 1);
  const span = wholeNumber("dilation", dilation, 1) * (wholeNumber("kernel", kernel, 1) - 1) + 1;
  const [before, after] = bothSides(padding);
  for (let last = size; last > 1 && span <= last + before + after;) {
    const following = convOutputSize(last, kernel, stride, padding, dilation);
    if (following >= last) {
      const written = Array.isArray(padding) ? `(${padding.join(", ")})` : padding;
      throw new RangeError(
        `the chain never ends: kernel ${kernel}, stride ${stride}, padding ${written}, dilation ${dilation} turn ` +
          `size ${last} into ${following}; use less padding, a larger kernel or a larger stride`,
      );
    }
    sizes.push((last = following));
  }
  return sizes;
}

/**
 * Square sizes as a chain of arrows: 5x5 > 3x3 > 1x1.
 * @param {number[]} sizes
 */
export function formatChain(sizes) {
  if (sizes.length === 0) throw new RangeError("sizes is empty: a chain has at least its start, for example [199]");
  return sizes.map((size) => `${wholeNumber("size", size, 1)}x${size}`).join(" > ");
}

/**
 * Number of weights and biases that one convolution learns.
 * @param {number} inChannels
 * @param {number} outChannels
 * @param {number} kernel
 * @param {number} groups
 * @param {boolean} bias
 */
export function convParameters(inChannels, outChannels, kernel, groups = 1, bias = true) {
  checkChannels(inChannels, outChannels, groups);
  wholeNumber("kernel", kernel, 1);
  return outChannels * (inChannels / groups) * kernel * kernel + (bias ? outChannels : 0);
}

/**
 * Number of multiplications that one convolution makes for one image.
 * @param {number} size
 * @param {number} inChannels
 * @param {number} outChannels
 * @param {number} kernel
 * @param {number} stride
 * @param {Padding} padding
 * @param {number} dilation
 * @param {number} groups
 */
export function convMacs(size, inChannels, outChannels, kernel, stride = 1, padding = 0, dilation = 1, groups = 1) {
  const side = convOutputSize(size, kernel, stride, padding, dilation);
  return side * side * convParameters(inChannels, outChannels, kernel, groups, false);
}

/**
 * @param {number} inChannels
 * @param {number} outChannels
 * @param {number} groups
 */
function checkChannels(inChannels, outChannels, groups) {
  wholeNumber("in_channels", inChannels, 1);
  wholeNumber("out_channels", outChannels, 1);
  wholeNumber("groups", groups, 1);
  if (inChannels % groups === 0 && outChannels % groups === 0) return;
  const common = [];
  for (let n = 1; n <= Math.min(inChannels, outChannels, 99); n++) {
    if (inChannels % n === 0 && outChannels % n === 0) common.push(n);
  }
  throw new RangeError(
    `groups ${groups} must divide in_channels ${inChannels} and out_channels ${outChannels}; ` +
      `what would fit: ${common.join(", ")}`,
  );
}

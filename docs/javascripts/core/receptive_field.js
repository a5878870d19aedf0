// Receptive fields of chains and branching networks, along one axis. Held to cnnguide.receptive_field, messages included.
//
// A chain is a list of layers. A layer is a window that slides, { kernel, stride, padding, dilation, ceilMode, name }, of which all but the
// kernel may be missing, or a block of branches that read the same input, { chains: [[...], ...], name }; [] is a shortcut.

import { bothSides, poolOutputSize, wholeNumber } from "./shapes.js";

const NOTHING = { size: 1, stride: 1, padding: 0 };

/** Branches that meet do not look at the same places, so their sum or concatenation has no one receptive field. */
export class MisalignedError extends RangeError {
  name = "MisalignedError";
}

/**
 * Receptive field, stride and padding of a whole network: output i sees i * stride - padding and what follows, `size` in all.
 * @param {Chain} chain
 * @returns {Field}
 */
export function receptiveField(chain) {
  return chain.reduce(fieldAfter, NOTHING);
}

/**
 * Centre of what output 0 sees, in input pixels.
 * @param {Field} field
 */
export function startOf({ size, padding }) {
  return (size - 1) / 2 - padding;
}

/**
 * The field after one more layer.
 * @param {Field} field
 * @param {SlidingWindow | Branches} layer
 * @returns {Field}
 */
export function fieldAfter(field, layer) {
  const added = layer.chains ? merged(layer) : fieldOfWindow(layer);
  return {
    size: field.size + (added.size - 1) * field.stride,
    stride: field.stride * added.stride,
    padding: field.padding + added.padding * field.stride,
  };
}

/**
 * Distance from the first to the last input that a window reads, both counted.
 * @param {{ kernel: number, dilation?: number }} window
 */
export function spanOf({ kernel, dilation = 1 }) {
  return wholeNumber("dilation", dilation, 1) * (wholeNumber("kernel", kernel, 1) - 1) + 1;
}

/**
 * @param {SlidingWindow} window
 * @returns {Field}
 */
function fieldOfWindow(window) {
  const { stride = 1, padding = 0 } = window;
  return { size: spanOf(window), stride: wholeNumber("stride", stride, 1), padding: bothSides(padding)[0] };
}

/** @param {Branches} block */
function merged({ chains, name }) {
  if (chains.length === 0)
    throw new RangeError("Parallel needs at least one branch; write () for a shortcut that changes nothing");
  const fields = chains.map(receptiveField);
  agree(
    "stride",
    fields.map(({ stride }) => stride),
    "pixels",
    name,
  );
  agree("start", fields.map(startOf), "pixels, the centre of what output 0 sees", name);
  // With equal centres the widest branch contains all the others.
  return fields.reduce((widest, field) => (field.size > widest.size ? field : widest));
}

/**
 * @param {string} quantity
 * @param {number[]} values
 * @param {string} unit
 * @param {string | undefined} name
 */
function agree(quantity, values, unit, name) {
  if (values.every((value) => value === values[0])) return;
  // Starts are halves: written with their decimal, as the package does.
  const written = values.map((value) => (quantity === "start" ? value.toFixed(1) : value));
  throw new MisalignedError(
    `the branches${name ? ` of ${name}` : ""} disagree in ${quantity}: ${written.join(", ")} ${unit}; ` +
      "give them the same total stride, odd kernels, and padding of half a kernel",
  );
}

/**
 * The size after a layer.
 * @param {number} size
 * @param {SlidingWindow | Branches} layer
 * @returns {number}
 */
export function sizeAfter(size, layer) {
  if (!layer.chains) {
    const { kernel, stride = 1, padding, dilation, ceilMode } = layer;
    return poolOutputSize(size, kernel, stride, padding, dilation, ceilMode);
  }
  const sizes = layer.chains.map((chain) => chain.reduce(sizeAfter, size));
  if (sizes.some((one) => one !== sizes[0])) {
    throw new RangeError(`the branches turn size ${size} into ${sizes.join(", ")}; they must agree to be joined`);
  }
  return sizes[0];
}

/**
 * Follow a network layer by layer: { name, size, receptiveField, jump, start } of the input and after each layer.
 * @param {Chain} chain
 * @param {number} size
 */
export function trace(chain, size) {
  let field = NOTHING;
  const rows = [{ name: "input", size: wholeNumber("size", size, 1), receptiveField: 1, jump: 1, start: 0 }];
  chain.forEach((layer, i) => {
    const name = layer.name || `layer ${i + 1}`;
    naming(name, () => {
      field = fieldAfter(field, layer);
      size = sizeAfter(size, layer);
    });
    rows.push({ name, size, receptiveField: field.size, jump: field.stride, start: startOf(field) });
  });
  return rows;
}

/**
 * Errors of a step say in which layer it was.
 *
 * @template T
 * @param {string} name
 * @param {() => T} step
 * @returns {T}
 */
export function naming(name, step) {
  try {
    return step();
  } catch (error) {
    if (error instanceof RangeError) error.message = `${name}: ${error.message}`;
    throw error;
  }
}

/**
 * The places that a set of outputs reads, when `size` inputs are there: those before 0 and from `size` on lie in the padding. Within
 * branches, places in the padding of an inner layer read nothing.
 * @param {Iterable<number>} outputs
 * @param {SlidingWindow | Branches} layer
 * @param {number} size
 * @returns {Set<number>}
 */
export function seenBy(outputs, layer, size) {
  if (layer.chains) return new Set(layer.chains.flatMap((chain) => [...seenThrough(outputs, chain, size)]));
  const { kernel, stride = 1, padding = 0, dilation = 1 } = layer;
  const [before, after] = bothSides(padding);
  const marks = new Uint8Array(before + size + after); // a window may be wide and outputs many
  for (const output of outputs) {
    for (let tap = 0; tap < kernel; tap++) marks[output * stride + dilation * tap] = 1;
  }
  return marked(marks, before);
}

/**
 * @param {Iterable<number>} outputs
 * @param {Chain} chain
 * @param {number} size
 * @returns {Set<number>}
 */
function seenThrough(outputs, chain, size) {
  const sizes = [size];
  for (const layer of chain) sizes.push(sizeAfter(sizes[sizes.length - 1], layer));
  return chain.reduceRight((seen, layer, i) => existing(seenBy(seen, layer, sizes[i]), sizes[i]), new Set(outputs));
}

/**
 * Those of a set of places that are not padding.
 * @param {Iterable<number>} places
 * @param {number} size
 */
export function existing(places, size) {
  return new Set([...places].filter((place) => place >= 0 && place < size));
}

/**
 * The outputs, of those that `size` inputs give, that read any of a set of places.
 * @param {Set<number>} places
 * @param {SlidingWindow | Branches} layer
 * @param {number} size
 * @returns {Set<number>}
 */
export function reachedBy(places, layer, size) {
  if (layer.chains) return new Set(layer.chains.flatMap((chain) => [...reachedThrough(places, chain, size)]));
  const { kernel, stride = 1, padding = 0, dilation = 1 } = layer;
  const [before] = bothSides(padding);
  const marks = new Uint8Array(sizeAfter(size, layer));
  marks.forEach((_, output) => {
    for (let tap = 0; tap < kernel; tap++) if (places.has(output * stride - before + dilation * tap)) marks[output] = 1;
  });
  return marked(marks, 0);
}

/**
 * @param {Set<number>} places
 * @param {Chain} chain
 * @param {number} size
 */
function reachedThrough(places, chain, size) {
  for (const layer of chain) {
    places = reachedBy(places, layer, size);
    size = sizeAfter(size, layer);
  }
  return places;
}

/**
 * @param {Uint8Array} marks
 * @param {number} offset
 * @returns {Set<number>}
 */
function marked(marks, offset) {
  const places = new Set();
  marks.forEach((mark, i) => mark && places.add(i - offset));
  return places;
}

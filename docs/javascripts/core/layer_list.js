// Lists of layers: how an address writes them, and what each layer makes of an image. Sizes, fields and costs are those of
// shapes.js and receptive_field.js.
//
// A layer is { kind, kernel, stride, padding: [before, after], dilation, name }; a convolution has `channels` and `groups`, too.
// A pooling ("pool") takes the largest, an "average" does not. A block is { kind: "block", join, chains, name }: branches that are
// added or concatenated; [] is a shortcut.

import { fieldAfter, naming, sizeAfter, spanOf, startOf } from "./receptive_field.js";
import { convMacs, convParameters } from "./shapes.js";

/** @type {Record<string, LayerKind>} */
const KINDS = { c: "conv", p: "pool", a: "average" };
const LETTERS = { conv: "c", pool: "p", average: "a" };
/** @type {Record<string, ListedBlock["join"]>} */
const JOINS = { s: "added", j: "concatenated" };
const MOST_LAYERS = 250;
const MOST_CELLS = 2048; // in a row of what a layer gives
const WIDEST_FIELD = 1e6; // pixels

/**
 * What can be set in a layer, in the order of writing; what has its `value` may be left out at the end.
 *
 * @type {Record<LayerPart, { least: number, most: number, value?: number }>}
 */
export const PARTS = {
  kernel: { least: 1, most: 99 },
  channels: { least: 1, most: 8192 },
  stride: { least: 1, most: 64, value: 1 },
  padding: { least: 0, most: 99, value: 0 },
  dilation: { least: 1, most: 64, value: 1 },
  groups: { least: 1, most: 8192, value: 1 },
};
const ALL_PARTS = /** @type {LayerPart[]} */ (Object.keys(PARTS));
/** @type {Record<LayerKind, LayerPart[]>} */
const NOT_IN = { conv: [], pool: ["channels", "groups"], average: ["channels", "groups", "dilation"] };

/**
 * Which of them a kind of layer has.
 * @param {LayerKind} kind
 * @returns {LayerPart[]}
 */
export function partsOf(kind) {
  return ALL_PARTS.filter((part) => !NOT_IN[kind].includes(part));
}

/**
 * A list as an address writes it: c3-64-1-1 is a convolution of 3x3 with 64 channels, stride 1 and padding 1, further numbers are
 * dilation and groups; p2-2 is a pooling with stride 2, a7 averages 7x7; s(c3-8-1-1~) adds a branch and a shortcut, j(...~...)
 * concatenates; padding 0.1 is none before and one after.
 * @param {Listed[]} layers
 * @returns {string}
 */
export function writeLayers(layers) {
  return layers.map((layer) => (layer.kind === "block" ? writeBlock(layer) : writeLayer(layer))).join(",");
}

/** @param {ListedBlock} block */
function writeBlock({ join, chains }) {
  return `${join === "added" ? "s" : "j"}(${chains.map(writeLayers).join("~")})`;
}

/** @param {ListedWindow} layer */
function writeLayer(layer) {
  const parts = partsOf(layer.kind).map((part) => (part === "padding" ? writePadding(layer.padding) : String(layer[part])));
  const values = partsOf(layer.kind).map((part) => String(PARTS[part].value));
  while (parts.length && parts.at(-1) === values[parts.length - 1]) parts.pop();
  return LETTERS[layer.kind] + parts.join("-");
}

/** @param {number[]} padding */
function writePadding([before, after]) {
  return before === after ? String(before) : `${before}.${after}`;
}

/**
 * The list that a text means, named; undefined where it means none.
 * @param {string} text
 */
export function readLayers(text) {
  const layers = split(text, ",").map((part) => readBlock(part) ?? readLayer(part));
  if (!layers.every((layer) => layer !== undefined)) return undefined;
  return tooMany(layers) ? undefined : named(layers);
}

/**
 * Are there more layers than a list may hold?
 * @param {Listed[]} layers
 */
export function tooMany(layers) {
  return layers.reduce((sum, { chains = [] }) => sum + 1 + chains.flat().length + chains.length, 0) > MOST_LAYERS;
}

/**
 * Parts between separators outside of parentheses; none in an empty text.
 * @param {string} text
 * @param {string} separator
 */
function split(text, separator) {
  if (text === "") return [];
  const parts = [""];
  let depth = 0;
  for (const character of text) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (character === separator && depth === 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts;
}

/**
 * @param {string} text
 * @returns {ListedBlock | undefined}
 */
function readBlock(text) {
  const [, letter, inside] = /^([sj])\(([^()]*)\)$/.exec(text) ?? [];
  if (letter === undefined) return undefined;
  const chains = inside.split("~").map((chain) => split(chain, ",").map(readLayer));
  if (!chains.every((chain) => chain.every((layer) => layer !== undefined))) return undefined;
  return { kind: "block", join: JOINS[letter], chains, name: "" };
}

/**
 * @param {string} text
 * @returns {ListedWindow | undefined}
 */
function readLayer(text) {
  const kind = KINDS[text[0]];
  if (!kind) return undefined;
  const numbers = text.slice(1).split("-");
  const parts = partsOf(kind);
  if (numbers.length > parts.length) return undefined;
  /** @type {Record<string, string | number | number[]>} */
  const layer = { kind, dilation: 1 };
  for (const [i, part] of parts.entries()) {
    const number = readNumber(part, numbers[i] ?? String(PARTS[part].value));
    if (number === undefined) return undefined;
    layer[part] = number;
  }
  return /** @type {any} the parts of its kind are all there */ (layer);
}

/**
 * @param {LayerPart} part
 * @param {string} text
 */
function readNumber(part, text) {
  const numbers = text.split(".").map((one) => (/^\d{1,4}$/.test(one) ? Number(one) : NaN));
  const fits = numbers.every((one) => one >= PARTS[part].least && one <= PARTS[part].most);
  if (!fits || numbers.length > (part === "padding" ? 2 : 1)) return undefined;
  return part === "padding" ? [numbers[0], numbers[numbers.length - 1]] : numbers[0];
}

/**
 * The same layers, numbered by kind: conv1, conv2, pool1, conv3.
 *
 * @template {Listed} T
 * @param {T[]} layers
 * @param {string} prefix
 * @returns {T[]}
 */
export function named(layers, prefix = "") {
  /** @type {Record<string, number>} */
  const counts = {};
  return layers.map((layer) => {
    counts[layer.kind] = (counts[layer.kind] ?? 0) + 1;
    return withNamedBranches({ ...layer, name: `${prefix}${layer.kind}${counts[layer.kind]}` });
  });
}

/**
 * Layers in branches are called by the letter of their branch: a conv1, a conv2, b conv1.
 *
 * @template {Listed} T
 * @param {T} layer
 * @returns {T}
 */
export function withNamedBranches(layer) {
  return layer.chains ? { ...layer, chains: layer.chains.map((chain, i) => named(chain, `${letterOf(i)} `)) } : layer;
}

/**
 * a for the first branch, b for the second.
 * @param {number} branch
 */
export function letterOf(branch) {
  return String.fromCharCode(97 + (branch % 26));
}

/**
 * What comes out of each layer: rows of { layer, from, size, channels, receptiveField, jump, start, parameters, macs, branches }.
 *
 * `from` is { size, channels } of what the layer reads. Where a stride leaves pixels over, `rest` says what is done: "floor" drops
 * them, "ceil" lets poolings take one more window (`layer` of the row is padded for it, and has it as `hangsOver`), "error" is
 * none of that. The first layer that cannot be ends the rows: `problem` says why.
 * @param {Listed[]} layers
 * @param {{ size: number, channels: number, bias?: boolean, rest?: Rest }} options
 * @returns {{ rows: Row[], problem: string }}
 */
export function follow(layers, { size, channels, bias = true, rest = "floor" }) {
  const input = { size, channels, field: { size: 1, stride: 1, padding: 0 } };
  /** @type {Row[]} */
  const rows = [];
  try {
    followChain(layers, input, { bias, rest }, rows);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { rows, problem: error.message };
  }
  return { rows, problem: "" };
}

/**
 * @param {Listed[]} layers
 * @param {Read} at
 * @param {{ bias: boolean, rest: Rest }} options
 * @param {Row[]} rows
 * @returns {Row[]}
 */
function followChain(layers, at, options, rows = []) {
  for (const layer of layers) {
    rows.push(naming(layer.name, () => followOne(layer, rows.at(-1) ?? at, options)));
  }
  return rows;
}

/**
 * @param {Listed} layer
 * @param {Read} from
 * @param {{ bias: boolean, rest: Rest }} options
 */
function followOne(layer, from, options) {
  return layer.kind === "block" ? followBlock(layer, from, options) : followLayer(layer, from, options);
}

/**
 * @param {ListedWindow} layer
 * @param {Read} from
 * @param {{ bias: boolean, rest: Rest }} options
 * @returns {Row}
 */
function followLayer(layer, from, { bias, rest }) {
  const row = rowBehind(rest === "ceil" ? withLastWindow(layer, from.size) : layer, from);
  if (rest === "error") checkRemainder(layer, from.size);
  if (layer.kind !== "conv") return { ...row, channels: from.channels, parameters: 0, macs: 0 };
  const { kernel, channels, stride, padding, dilation, groups } = layer;
  const parameters = convParameters(from.channels, channels, kernel, groups, bias);
  const macs = convMacs(from.size, from.channels, channels, kernel, stride, padding, dilation, groups);
  return { ...row, channels, parameters, macs };
}

/**
 * @param {ListedBlock} block
 * @param {Read} from
 * @param {{ bias: boolean, rest: Rest }} options
 * @returns {Row}
 */
function followBlock(block, from, options) {
  const branches = block.chains.map((chain) => followChain(chain, from, options));
  const row = rowBehind(
    { ...block, chains: branches.map((rows) => rows.map(({ layer }) => /** @type {ListedWindow} */ (layer))) },
    from,
  );
  const channels = joined(
    block,
    branches.map((rows) => (rows.at(-1) ?? from).channels),
  );
  return { ...row, channels, parameters: total(branches.flat(), "parameters"), macs: total(branches.flat(), "macs"), branches };
}

/**
 * @param {ListedBlock} block
 * @param {number[]} channels
 */
function joined({ join }, channels) {
  if (join === "concatenated") return channels.reduce((sum, one) => sum + one, 0);
  if (channels.some((one) => one !== channels[0])) {
    throw new RangeError(
      `the branches give ${channels.join(", ")} channels; to be added they must give the same number: ` +
        "change the last convolution of a branch, or put a 1x1 into the shortcut",
    );
  }
  return channels[0];
}

/**
 * @param {Listed} layer
 * @param {Read} from
 */
function rowBehind(layer, from) {
  const field = fieldAfter(from.field, layer);
  const size = sizeAfter(from.size, layer);
  if (size > MOST_CELLS)
    throw new RangeError(`gives size ${size}; shown are sizes up to ${MOST_CELLS}: take less padding, or a smaller image`);
  if (Math.max(field.size, field.stride) > WIDEST_FIELD) {
    throw new RangeError("sees or steps over more than a million pixels, which is more than is shown: take smaller strides");
  }
  return { layer, from, field, size, receptiveField: field.size, jump: field.stride, start: startOf(field) };
}

/**
 * A pooling of which the last window may hang over the end, as long as it begins before it: PyTorch's `ceil_mode`.
 * @param {ListedWindow} layer
 * @param {number} size
 * @returns {ListedWindow}
 */
function withLastWindow(layer, size) {
  const {
    kind,
    stride,
    padding: [before, after],
  } = layer;
  const spare = size + before + after - spanOf(layer);
  if (kind === "conv" || spare <= -stride) return layer;
  const steps = Math.ceil(spare / stride);
  const hangsOver = steps * stride - spare;
  return hangsOver === 0 || steps * stride >= size + before
    ? layer
    : { ...layer, padding: [before, after + hangsOver], hangsOver };
}

/**
 * How many pixels at the end no window reads, because the stride does not divide.
 * @param {ListedWindow} layer
 * @param {number} size
 */
function leftOver({ kernel, stride, padding: [before, after], dilation }, size) {
  return (size + before + after - spanOf({ kernel, dilation })) % stride;
}

/**
 * @param {ListedWindow} layer
 * @param {number} size
 */
function checkRemainder(layer, size) {
  const rest = leftOver(layer, size);
  if (rest === 0) return;
  const more = layer.stride - rest;
  const sizes = [...(size > rest ? [size - rest] : []), size + more];
  throw new RangeError(
    `stride ${layer.stride} does not divide: the last ${rest === 1 ? "pixel" : `${rest} pixels`} of size ${size} would be dropped; ` +
      `what would fit: an input of ${sizes.join(" or ")}, ${more} more of padding in all, or letting it floor`,
  );
}

/**
 * One number for all rows.
 *
 * @template {string} W
 * @param {Record<W, number>[]} rows
 * @param {W} what
 */
export function total(rows, what) {
  return rows.reduce((sum, row) => sum + row[what], 0);
}

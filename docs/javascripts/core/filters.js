// Filtering: one kernel slid over one plane, without being flipped. Held to cnnguide.filters.

import { plane } from "./images.js";

/**
 * Where a place beyond the border takes its value from, by SciPy's names; -1 means zero.
 *
 * @type {Record<Border, (i: number, size: number) => number>}
 */
export const BORDERS = {
  reflect: (i, size) => mirrored(i, 2 * size, size, 1),
  mirror: (i, size) => (size === 1 ? 0 : mirrored(i, 2 * size - 2, size, 0)),
  nearest: (i, size) => Math.min(size - 1, Math.max(0, i)),
  wrap: (i, size) => modulo(i, size),
  constant: (i, size) => (i < 0 || i >= size ? -1 : i),
};

/**
 * @param {number} i
 * @param {number} period
 */
function modulo(i, period) {
  return ((i % period) + period) % period;
}

/**
 * @param {number} i
 * @param {number} period
 * @param {number} size
 * @param {number} repeated
 */
function mirrored(i, period, size, repeated) {
  const place = modulo(i, period);
  return place < size ? place : period - repeated - place;
}

/**
 * For each entry of a kernel along one axis, the pixel under it at `position`; -1 is beyond a border of zeros.
 * @param {number} position
 * @param {number} entries
 * @param {number} size
 * @param {Border} border
 */
function under(position, entries, size, border) {
  return Array.from({ length: entries }, (_, entry) => BORDERS[border](position + entry - Math.floor(entries / 2), size));
}

/**
 * The pixels under a kernel of `rows` x `columns` that is centred at (row, column), in reading order.
 * @param {Plane} image
 * @param {number} rows
 * @param {number} columns
 * @param {number} row
 * @param {number} column
 * @param {Border} border
 */
export function windowAt(image, rows, columns, row, column, border = "reflect") {
  const across = under(column, columns, image.width, border);
  return under(row, rows, image.height, border).flatMap((r) =>
    across.map((c) => (r < 0 || c < 0 ? 0 : image.data[r * image.width + c])),
  );
}

/**
 * @param {Plane} image
 * @param {Plane} kernel
 * @param {Border} border
 */
function padded(image, { height: rows, width: columns }, border) {
  const above = Math.floor(rows / 2);
  const left = Math.floor(columns / 2);
  const wide = plane(image.height + rows - 1, image.width + columns - 1);
  const from = Array.from({ length: wide.width }, (_, i) => BORDERS[border](i - left, image.width));
  for (let row = 0; row < wide.height; row++) {
    const source = BORDERS[border](row - above, image.height);
    if (source < 0) continue;
    for (let column = 0; column < wide.width; column++) {
      if (from[column] >= 0) wide.data[row * wide.width + column] = image.data[source * image.width + from[column]];
    }
  }
  return wide;
}

/**
 * At each pixel, the sum of products of the kernel (a plane, too) and the pixels under it.
 * @param {Plane} image
 * @param {Plane} kernel
 * @param {Border} border
 */
export function applyFilter(image, kernel, border = "reflect") {
  const { height, width } = image;
  const wide = padded(image, kernel, border);
  const out = plane(height, width);
  // Weight by weight, row by row: the inner loop is one that engines make fast.
  for (let entry = 0; entry < kernel.data.length; entry++) {
    const weight = kernel.data[entry];
    const start = Math.floor(entry / kernel.width) * wide.width + (entry % kernel.width);
    for (let row = 0; row < height; row++) {
      const to = row * width;
      const from = start + row * wide.width;
      for (let column = 0; column < width; column++) out.data[to + column] += weight * wide.data[from + column];
    }
  }
  return out;
}

/**
 * How well a pattern fits at each place where it is fully inside, named by its upper left corner: from -1 to 1.
 * @param {Plane} image
 * @param {Plane} template
 */
export function matchTemplate(image, template) {
  return matcher(image)(template);
}

/**
 * Normalised cross-correlation of one image with any number of templates: what they share is computed once.
 * @param {Plane} image
 * @returns {(template: Plane) => Plane}
 */
export function matcher(image) {
  const { height, width, data } = image;
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const paper = data[0]; // the template's mean is taken away, so what is as its surroundings adds nothing: skip it
  /** @type {number[]} */
  const ink = [];
  for (let i = 0; i < data.length; i++) if (data[i] !== paper) ink.push(i);
  const lengths = windowLengths(image, mean);

  return (template) => {
    const weights = centred(template);
    const out = plane(height - template.height + 1, width - template.width + 1);
    for (const i of ink) scatter(data[i] - paper, Math.floor(i / width), i % width, template, weights, out);
    const inverse = lengths(template.height, template.width);
    for (let i = 0; i < out.data.length; i++) out.data[i] = Math.min(1, Math.max(-1, out.data[i] * inverse[i]));
    return out;
  };
}

/**
 * The template less its mean, as a unit vector.
 * @param {Plane} template
 */
function centred({ data }) {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const length = Math.hypot(...data.map((value) => value - mean));
  if (length === 0) throw new RangeError("the template is flat: it has no pattern that could be found");
  return data.map((value) => (value - mean) / length);
}

/**
 * Add the products of one pixel to all windows that contain it.
 * @param {number} value
 * @param {number} row
 * @param {number} column
 * @param {Plane} template
 * @param {Float64Array} weights
 * @param {Plane} out
 */
function scatter(value, row, column, { height, width }, weights, out) {
  const first = Math.max(0, row - out.height + 1);
  const last = Math.min(height - 1, row);
  const left = Math.max(0, column - out.width + 1);
  const right = Math.min(width - 1, column);
  const { data } = out;
  for (let i = first; i <= last; i++) {
    const to = (row - i) * out.width + column;
    const from = i * width;
    for (let j = left; j <= right; j++) data[to - j] += value * weights[from + j];
  }
}

/**
 * For windows of any size: one over the length of its pixels, less their mean; 0 where that is flat.
 * @param {Plane} image
 * @param {number} mean
 * @returns {(rows: number, columns: number) => Float64Array}
 */
function windowLengths({ height, width, data }, mean) {
  const wide = width + 1;
  const sums = new Float64Array((height + 1) * wide);
  const squares = new Float64Array((height + 1) * wide);
  let largest = Number.MIN_VALUE;
  for (let row = 0; row < height; row++) {
    let [sum, square] = [0, 0];
    for (let column = 0; column < width; column++) {
      const value = data[row * width + column] - mean;
      largest = Math.max(largest, value * value);
      sum += value;
      square += value * value;
      const to = (row + 1) * wide + column + 1;
      sums[to] = sums[to - wide] + sum;
      squares[to] = squares[to - wide] + square;
    }
  }
  const made = new Map();
  return (rows, columns) => {
    const key = `${rows},${columns}`;
    if (!made.has(key)) made.set(key, inverseLengths(rows, columns));
    return made.get(key);
  };

  /**
   * @param {number} rows
   * @param {number} columns
   */
  function inverseLengths(rows, columns) {
    const out = new Float64Array((height - rows + 1) * (width - columns + 1));
    const size = rows * columns;
    let to = 0;
    for (let row = 0; row + rows <= height; row++) {
      for (let column = 0; column + columns <= width; column++, to++) {
        const [above, below] = [row * wide + column, (row + rows) * wide + column];
        /** @param {Float64Array} running */
        const inside = (running) => running[below + columns] - running[above + columns] - running[below] + running[above];
        const variation = inside(squares) - inside(sums) ** 2 / size;
        if (variation > 1e-12 * largest * size) out[to] = 1 / Math.sqrt(variation);
      }
    }
    return out;
  }
}

// Filtering: one kernel slid over one plane, without being flipped. Held to cnnguide.filters.

import { plane } from "./images.js";

/** Where a place beyond the border takes its value from, by SciPy's names; -1 stands for zero. */
export const BORDERS = {
  reflect: (i, size) => mirrored(i, 2 * size, size, 1),
  mirror: (i, size) => (size === 1 ? 0 : mirrored(i, 2 * size - 2, size, 0)),
  nearest: (i, size) => Math.min(size - 1, Math.max(0, i)),
  wrap: (i, size) => modulo(i, size),
  constant: (i, size) => (i < 0 || i >= size ? -1 : i),
};

function modulo(i, period) {
  return ((i % period) + period) % period;
}

function mirrored(i, period, size, repeated) {
  const place = modulo(i, period);
  return place < size ? place : period - repeated - place;
}

/** For each entry of a kernel along one axis, the pixel that lies under it at `position`; -1 is beyond a border of zeros. */
function under(position, entries, size, border) {
  return Array.from({ length: entries }, (_, entry) => BORDERS[border](position + entry - Math.floor(entries / 2), size));
}

/** The pixels under a kernel of `rows` x `columns` that is centred at (row, column), in reading order. */
export function windowAt(image, rows, columns, row, column, border = "reflect") {
  const across = under(column, columns, image.width, border);
  return under(row, rows, image.height, border).flatMap((r) =>
    across.map((c) => (r < 0 || c < 0 ? 0 : image.data[r * image.width + c])),
  );
}

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

/** At each pixel, the sum of products of the kernel (a plane, too) and what lies under it. */
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

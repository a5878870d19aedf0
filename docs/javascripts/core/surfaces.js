// Landscapes of two weights to walk down. Each has a height, which is 0 in its minima, the slope of that, the minima,
// a place to start from, and half the width of what is drawn. Slopes, starts and minima are those of
// cnnguide.figures.training.

/** @type {Record<"valley" | "saddle" | "plateau" | "parabola", Surface>} */
export const SURFACES = {
  valley: {
    height: (x, y) => x ** 2 / 2 + 10 * y ** 2,
    slope: (x, y) => [x, 20 * y],
    minima: [[0, 0]],
    start: [-4, 1.2],
    reach: 4.5,
  },
  saddle: {
    height: (x, y) => x ** 2 / 2 + (y ** 2 - 10) ** 2 / 80,
    slope: (x, y) => [x, -0.5 * y + 0.05 * y ** 3],
    minima: [
      [0, Math.sqrt(10)],
      [0, -Math.sqrt(10)],
    ],
    start: [-3, 0.01],
    reach: 6,
  },
  plateau: {
    height: (x, y) => 1 - Math.exp(-(x ** 2 + y ** 2) / 2),
    slope: (x, y) => [x * Math.exp(-(x ** 2 + y ** 2) / 2), y * Math.exp(-(x ** 2 + y ** 2) / 2)],
    minima: [[0, 0]],
    start: [-2.3, 1.4],
    reach: 3.6,
  },
  parabola: {
    height: (x, y) => x ** 2 + y ** 2,
    slope: (x, y) => [2 * x, 2 * y],
    minima: [[0, 0]],
    start: [-1.5, 1],
    reach: 2.7,
  },
};

const FARTHEST = 1e6; // a walk that gets there will not come back

/**
 * A walk of at most `steps` steps: [{ at, height, gradient, computed }, ...], the start first. `gradient` and
 * `computed` belong to the step that led to `at`; the start has none. It ends early where it is too far away to return.
 * @param {Surface} surface
 * @param {ArrayLike<number>} start
 * @param {Rule} optimizer
 * @param {number} steps
 */
export function walk(surface, start, optimizer, steps) {
  const at = Float64Array.from(start);
  /** @type {Step[]} */
  const places = [{ at: [...at], height: surface.height(at[0], at[1]) }];
  while (places.length <= steps && Math.hypot(...at) < FARTHEST) {
    const gradient = surface.slope(at[0], at[1]);
    optimizer.step([at], [gradient]);
    const arrays = Object.entries(optimizer.computed()); // the next step overwrites them
    const computed = Object.fromEntries(arrays.map(([name, array]) => [name, [...array]]));
    places.push({ at: [...at], height: surface.height(at[0], at[1]), gradient, computed });
  }
  return places;
}

/**
 * Mean height over a walk of `steps` steps: small where it gets down far and soon.
 * @param {Surface} surface
 * @param {ArrayLike<number>} start
 * @param {Rule} optimizer
 * @param {number} steps
 */
export function meanHeight(surface, start, optimizer, steps) {
  const at = Float64Array.from(start);
  let total = 0;
  for (let step = 0; step < steps; step++) {
    optimizer.step([at], [surface.slope(at[0], at[1])]);
    total += surface.height(at[0], at[1]);
    if (!(Math.hypot(...at) < FARTHEST)) return Infinity;
  }
  return total / steps;
}

/**
 * Lines of equal height, a list for each level, in the units of the surface: pieces as [x1, y1, x2, y2]. The grid has
 * `rows` x `columns` fields over the rectangle from -right, -top to right, top.
 * @param {(x: number, y: number) => number} height
 * @param {number} right
 * @param {number} top
 * @param {number[]} levels
 * @param {number} rows
 * @param {number} columns
 */
export function contours(height, right, top, levels, rows, columns) {
  /** @param {number} column */
  const x = (column) => right * ((2 * column) / columns - 1);
  /** @param {number} row */
  const y = (row) => top * ((2 * row) / rows - 1);
  const corners = Array.from({ length: rows + 1 }, (_, row) =>
    Float64Array.from({ length: columns + 1 }, (__, column) => height(x(column), y(row))),
  );
  return levels.map((level) => {
    /** @type {[number, number, number, number][]} */
    const pieces = [];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const crossings = around(row, column)
          .map(([from, to]) => crossing(from, to, corners, level))
          .filter((place) => place !== null)
          .map(([r, c]) => [x(c), y(r)]);
        for (let i = 0; i + 1 < crossings.length; i += 2) {
          const [[x1, y1], [x2, y2]] = [crossings[i], crossings[i + 1]];
          pieces.push([x1, y1, x2, y2]);
        }
      }
    }
    return pieces;
  });
}

/**
 * The four sides of a field, as pairs of corners.
 * @param {number} row
 * @param {number} column
 * @returns {[Place, Place][]}
 */
function around(row, column) {
  /** @type {Place[]} */
  const ring = [
    [row, column],
    [row, column + 1],
    [row + 1, column + 1],
    [row + 1, column],
  ];
  return ring.map((corner, i) => [corner, ring[(i + 1) % 4]]);
}

/**
 * Where a side crosses the level: nowhere, or in between, in proportion to how far the corners are from it.
 * @param {Place} from
 * @param {Place} to
 * @param {Float64Array[]} corners
 * @param {number} level
 * @returns {Place | null}
 */
function crossing([r1, c1], [r2, c2], corners, level) {
  const [a, b] = [corners[r1][c1] - level, corners[r2][c2] - level];
  if (a < 0 === b < 0) return null;
  const share = a / (a - b);
  return [r1 + share * (r2 - r1), c1 + share * (c2 - c1)];
}

// Drawings: square images in sixteen levels of ink, 0 (paper) to 15, as a Uint8Array of rows.

export const LEVELS = 15;

/**
 * A drawing with one stroke more, or with one rubbed out: from one point to another, in pixels [row, column] from the corner.
 * @param {Uint8Array} ink
 * @param {number} size
 * @param {Place} from
 * @param {Place} to
 * @param {{ radius?: number, rubbing?: boolean }} options
 */
export function withStroke(ink, size, from, to, { radius = 0.9, rubbing = false } = {}) {
  return ink.map((level, i) => {
    const away = distance([Math.floor(i / size) + 0.5, (i % size) + 0.5], from, to);
    const covered = Math.round(LEVELS * Math.min(1, Math.max(0, radius + 0.5 - away))); // a soft edge, one pixel wide
    return rubbing ? Math.min(level, LEVELS - covered) : Math.max(level, covered);
  });
}

/**
 * @param {Place} point
 * @param {Place} from
 * @param {Place} to
 */
function distance([row, column], [r, c], [endRow, endColumn]) {
  const [down, right] = [endRow - r, endColumn - c];
  const along = ((row - r) * down + (column - c) * right) / (down * down + right * right || 1);
  const part = Math.min(1, Math.max(0, along));
  return Math.hypot(row - r - part * down, column - c - part * right);
}

/**
 * The drawing moved; what leaves the paper is gone, and what comes in is paper.
 * @param {Uint8Array} ink
 * @param {number} size
 * @param {number} down
 * @param {number} right
 */
export function shifted(ink, size, down, right) {
  return ink.map((_, i) => {
    const [row, column] = [Math.floor(i / size) - down, (i % size) - right];
    return row >= 0 && row < size && column >= 0 && column < size ? ink[row * size + column] : 0;
  });
}

const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * For an address: a sign for each run of equal pixels, as two of base64url: the level and how long the run is.
 * @param {Uint8Array} ink
 */
export function writeInk(ink) {
  let text = "";
  for (let start = 0, end = 0; start < ink.length; start = end) {
    while (end < ink.length && ink[end] === ink[start] && end - start < SIGNS.length) end++;
    text += SIGNS[ink[start]] + SIGNS[end - start - 1];
  }
  return text;
}

/**
 * The way back; undefined for what is not a drawing of that many pixels.
 * @param {string} text
 * @param {number} pixels
 */
export function readInk(text, pixels) {
  const ink = [];
  for (let i = 0; i < text.length; i += 2) {
    const [level, more] = [SIGNS.indexOf(text[i]), SIGNS.indexOf(text[i + 1] ?? " ")];
    if (level < 0 || level > LEVELS || more < 0) return undefined;
    for (let j = 0; j <= more; j++) ink.push(level);
  }
  return ink.length === pixels ? Uint8Array.from(ink) : undefined;
}

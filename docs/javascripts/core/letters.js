// Letters drawn from the package's masters, and pages of text. Held to cnnguide.letters.
//
// A `font` is { alphabet, side, em, advances, masters }, as the package hands it over: for each letter of the alphabet a drawing of
// side x side pixels at the size em, with ink from 0 to 15, and the distance to the next letter.

import { plane } from "./images.js";

const MOST_INK = 15;
const SUPERSAMPLES = 3;
const { ceil, fround, max, min } = Math;

/**
 * Set running text in lines and draw it: { image, glyphs }, each glyph with its letter and the pixel at its centre.
 * @param {Font} font
 * @param {string} text
 * @param {{ em?: number, width?: number, shear?: number, margin?: number }} options
 */
export function drawPage(font, text, { em = 16, width = 640, shear = 0, margin = 16 } = {}) {
  const lineHeight = rounded(1.5 * em);
  const glyphs = setText(font, text, em, width, margin, lineHeight);
  const lowest = glyphs.reduce((row, glyph) => max(row, glyph.row), 0);
  const image = plane(max(lowest + lineHeight, 2 * margin), width);
  const drawn = new Map(); // equal letters have equal pixels
  for (const { letter, row, column } of glyphs) {
    if (!drawn.has(letter)) drawn.set(letter, drawGlyph(font, letter, em, shear));
    ink(image, drawn.get(letter), row, column);
  }
  return { image, glyphs };
}

/**
 * The first word that does not fit into a line, if there is one.
 * @param {Font} font
 * @param {string} text
 * @param {{ em?: number, width?: number, margin?: number }} options
 */
export function tooWide(font, text, { em = 16, width = 640, margin = 16 } = {}) {
  return wordsOf(text).find((word) => wordWidth(advancesOf(font, word, em)) > width - 2 * margin);
}

/** @param {string} line */
function wordsOf(line) {
  return line.split(/\s+/).filter(Boolean);
}

/**
 * As the package, in single precision: a rounding error of the other kind would move a letter by a pixel.
 * @param {Font} font
 * @param {string} text
 * @param {number} em
 * @param {number} width
 * @param {number} margin
 * @param {number} lineHeight
 * @returns {Glyph[]}
 */
function setText(font, text, em, width, margin, lineHeight) {
  const space = fround(0.32 * em);
  /** @type {Glyph[]} */
  const glyphs = [];
  let row = margin + (lineHeight >> 1);
  for (const line of text.split("\n")) {
    let x = margin;
    for (const word of wordsOf(line)) {
      const advances = advancesOf(font, word, em);
      if (fround(x + wordWidth(advances)) > width - margin) [row, x] = [row + lineHeight, margin];
      advances.forEach((advance, i) => {
        glyphs.push({ letter: word[i], row, column: rounded(fround(x + fround(advance / 2))) });
        x = fround(x + advance);
      });
      x = fround(x + space);
    }
    row += lineHeight;
  }
  return glyphs;
}

/**
 * @param {Font} font
 * @param {string} word
 * @param {number} em
 */
function advancesOf(font, word, em) {
  return Array.from(word, (letter) => fround(fround(font.advances.data[font.alphabet.indexOf(letter)] * em) / font.em));
}

/** @param {number[]} advances */
function wordWidth(advances) {
  return advances.reduce((sum, advance) => fround(sum + advance), 0);
}

/**
 * The nearest whole number; of two that are equally near the even one, as Python rounds.
 * @param {number} number
 */
export function rounded(number) {
  const below = Math.floor(number);
  const part = number - below;
  return part > 0.5 || (part === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/**
 * One letter in the middle of a square with an odd side: each pixel is the mean of 3 x 3 points of the master.
 * @param {Font} font
 * @param {string} letter
 * @param {number} em
 * @param {number} shear
 */
function drawGlyph(font, letter, em, shear) {
  const side = ceil(1.6 * em) | 1;
  const scale = em / font.em;
  const drawing = plane(side, side);
  const points = side * SUPERSAMPLES;
  const at = look(font, letter);
  for (let i = 0; i < points; i++) {
    const down = ((i + 0.5) / SUPERSAMPLES - side / 2) / scale;
    for (let j = 0; j < points; j++) {
      const across = ((j + 0.5) / SUPERSAMPLES - side / 2) / scale + shear * down;
      drawing.data[Math.trunc(i / SUPERSAMPLES) * side + Math.trunc(j / SUPERSAMPLES)] += at(down, across);
    }
  }
  for (let i = 0; i < drawing.data.length; i++) drawing.data[i] /= SUPERSAMPLES ** 2;
  return drawing;
}

/**
 * Ink of a master at any point, counted from its middle, between its pixels as their mean weighted by nearness.
 * @param {Font} font
 * @param {string} letter
 * @returns {(down: number, across: number) => number}
 */
function look({ alphabet, side, masters }, letter) {
  const start = alphabet.indexOf(letter) * side * side;
  const most = side - 1.001; // beyond the master is its border, which is paper
  const { data } = masters;
  return (down, across) => {
    const row = min(most, max(0, down + (side - 1) / 2));
    const column = min(most, max(0, across + (side - 1) / 2));
    const [r, c] = [row | 0, column | 0];
    const [lower, right] = [row - r, column - c];
    const i = start + r * side + c;
    const above = data[i] * (1 - right) + data[i + 1] * right;
    const below = data[i + side] * (1 - right) + data[i + side + 1] * right;
    return (above * (1 - lower) + below * lower) / MOST_INK;
  };
}

/**
 * Add a drawing around (row, column); ink on ink stays ink.
 * @param {Plane} image
 * @param {Plane} drawing
 * @param {number} row
 * @param {number} column
 */
function ink(image, drawing, row, column) {
  const [top, left] = [row - (drawing.height >> 1), column - (drawing.width >> 1)];
  for (let r = max(0, -top); r < min(drawing.height, image.height - top); r++) {
    for (let c = max(0, -left); c < min(drawing.width, image.width - left); c++) {
      const to = (top + r) * image.width + left + c;
      image.data[to] = max(image.data[to], drawing.data[r * drawing.width + c]);
    }
  }
}

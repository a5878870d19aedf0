// Finding letters by their pixels. Held to cnnguide.experiments.channels.

import { matcher } from "./filters.js";
import { plane } from "./images.js";
import { drawPage, rounded } from "./letters.js";

/**
 * The pixels of one letter, with an odd number of rows and columns, so that the template has a centre.
 * @param {Font} font
 * @param {string} letter
 * @param {number} em
 * @param {number} shear
 */
export function cutLetter(font, letter, em = 16, shear = 0) {
  const { image, glyphs } = drawPage(font, letter, { em, width: 80, shear });
  const half = rounded(0.34 * em);
  const side = 2 * half + 1;
  const cut = plane(side, side);
  const start = (glyphs[0].row - half) * image.width + glyphs[0].column - half;
  for (let row = 0; row < side; row++) {
    cut.data.set(image.data.subarray(start + row * image.width, start + row * image.width + side), row * side);
  }
  return { ...cut, em, shear };
}

/**
 * One letter at five sizes and three slants.
 * @param {Font} font
 * @param {string} letter
 */
export function templateBank(font, letter) {
  return [12, 14, 16, 18, 20].flatMap((em) => [0, 0.2, 0.4].map((shear) => cutLetter(font, letter, em, shear)));
}

/**
 * The best fit of some templates at each pixel, and which one it was; pauses after each template.
 * @param {Plane} image
 * @param {Plane[]} templates
 * @returns {Generator<undefined, { best: Plane, which: Uint8Array }>}
 */
export function* bestFits(image, templates) {
  const best = plane(image.height, image.width, new Float64Array(image.data.length).fill(-1));
  const which = new Uint8Array(image.data.length);
  const match = matcher(image);
  for (const [number, template] of templates.entries()) {
    keepBetter(match(template), template, number, best, which);
    yield;
  }
  return { best, which };
}

/**
 * @param {Plane} fit
 * @param {Plane} template
 * @param {number} number
 * @param {Plane} best
 * @param {Uint8Array} which
 */
function keepBetter(fit, template, number, best, which) {
  const shift = (template.height >> 1) * best.width + (template.width >> 1); // a fit belongs to the template's centre
  for (let row = 0; row < fit.height; row++) {
    const from = row * fit.width;
    const to = row * best.width + shift;
    for (let column = 0; column < fit.width; column++) {
      if (fit.data[from + column] <= best.data[to + column]) continue;
      best.data[to + column] = fit.data[from + column];
      which[to + column] = number;
    }
  }
}

/**
 * Centres [row, column] of all places whose fit reaches the threshold and is better than anywhere near, the best ones first.
 * @param {Plane} fits
 * @param {number} threshold
 * @returns {Place[]}
 */
export function findLetter({ width, data }, threshold = 0.85) {
  const places = [];
  for (let i = 0; i < data.length; i++) if (data[i] >= threshold) places.push(i);
  places.sort((a, b) => data[b] - data[a] || b - a);
  /** @type {Place[]} */
  const found = [];
  for (const place of places) {
    const [row, column] = [Math.trunc(place / width), place % width];
    if (found.every(([r, c]) => Math.max(Math.abs(row - r), Math.abs(column - c)) > 4)) found.push([row, column]);
  }
  return found;
}

/**
 * @param {Place} place
 * @param {Place[]} others
 */
function near([row, column], others) {
  return others.some(([r, c]) => Math.max(Math.abs(row - r), Math.abs(column - c)) <= 2);
}

/**
 * @param {Glyph} glyph
 * @returns {Place}
 */
function placeOf({ row, column }) {
  return [row, column];
}

/**
 * Which of the places found are right, and which of the page's letters were found; two pixels off allowed.
 * @param {Place[]} found
 * @param {Glyph[]} glyphs
 * @param {string} letter
 */
export function judge(found, glyphs, letter) {
  const wanted = glyphs.filter((glyph) => glyph.letter === letter).map(placeOf);
  return {
    right: found.filter((place) => near(place, wanted)),
    wrong: found.filter((place) => !near(place, wanted)),
    met: wanted.filter((place) => near(place, found)),
    missed: wanted.filter((place) => !near(place, found)),
  };
}

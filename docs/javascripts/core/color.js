// Colour and where it is. Held to what the chapter on channels computes.

import { luma, plane } from "./images.js";
import { avgPool2d } from "./pooling.js";

/**
 * What remains of a picture when its luma is taken away.
 * @param {Picture} picture
 * @returns {Picture}
 */
export function colorOf(picture) {
  const gray = luma(picture);
  return picture.map(({ height, width, data }) =>
    plane(
      height,
      width,
      data.map((value, i) => value - gray.data[i]),
    ),
  );
}

/**
 * A picture of the means of its blocks.
 * @param {Picture} picture
 * @param {number} side
 * @returns {Picture}
 */
export function blockMeans(picture, side) {
  return picture.map((one) => avgPool2d(one, side));
}

/**
 * The share of pixels whose three channels are equal.
 * @param {Picture} picture
 */
export function grayShare([red, green, blue]) {
  let count = 0;
  for (let i = 0; i < red.data.length; i++) {
    const [r, g, b] = [red.data[i], green.data[i], blue.data[i]];
    if (Math.max(r, g, b) - Math.min(r, g, b) < 1e-6) count++;
  }
  return count / red.data.length;
}

/**
 * The correlation coefficient of two pictures, over all pixels and channels; undefined where one of them is flat.
 * @param {Picture} a
 * @param {Picture} b
 */
export function correlation(a, b) {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [products, squaresA, squaresB] = [0, 0, 0];
  eachPair(a, b, (x, y) => {
    products += (x - meanA) * (y - meanB);
    squaresA += (x - meanA) ** 2;
    squaresB += (y - meanB) ** 2;
  });
  const lengths = Math.sqrt(squaresA * squaresB);
  return lengths > 1e-12 ? products / lengths : undefined;
}

/**
 * How far two pictures are apart: the root of the mean squared difference over all pixels and channels.
 * @param {Picture} a
 * @param {Picture} b
 */
export function distance(a, b) {
  let [sum, count] = [0, 0];
  eachPair(a, b, (x, y) => {
    sum += (x - y) ** 2;
    count++;
  });
  return Math.sqrt(sum / count);
}

/** @param {Picture} picture */
function mean(picture) {
  let [sum, count] = [0, 0];
  eachPair(picture, picture, (x) => {
    sum += x;
    count++;
  });
  return sum / count;
}

/**
 * @param {Picture} a
 * @param {Picture} b
 * @param {(x: number, y: number) => void} visit
 */
function eachPair(a, b, visit) {
  for (let channel = 0; channel < a.length; channel++) {
    const [first, second] = [a[channel].data, b[channel].data];
    for (let i = 0; i < first.length; i++) visit(first[i], second[i]);
  }
}

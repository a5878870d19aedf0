// Pooling of one plane. Held to cnnguide.pooling.

import { plane } from "./images.js";

/**
 * The mean of each block of kernel x kernel pixels; what is left over at the right and below is in no block.
 * @param {Plane} image
 * @param {number} kernel
 */
export function avgPool2d(image, kernel) {
  const out = plane(Math.floor(image.height / kernel), Math.floor(image.width / kernel));
  for (let row = 0; row < out.height * kernel; row++) {
    for (let column = 0; column < out.width * kernel; column++) {
      const to = Math.floor(row / kernel) * out.width + Math.floor(column / kernel);
      out.data[to] += image.data[row * image.width + column];
    }
  }
  for (let i = 0; i < out.data.length; i++) out.data[i] /= kernel * kernel;
  return out;
}

// Images as planes: { height, width, data }, rows one after the other, from 0 (black) to 1 (white). Held to cnnguide.images.

/**
 * @param {number} height
 * @param {number} width
 * @param {Float64Array} data
 * @returns {Plane}
 */
export function plane(height, width, data = new Float64Array(height * width)) {
  return { height, width, data };
}

/**
 * @param {number} size
 * @param {(row: number, column: number) => number} brightness
 */
function drawn(size, brightness) {
  const image = plane(size, size);
  for (let row = 0, i = 0; row < size; row++) {
    for (let column = 0; column < size; column++, i++) image.data[i] = brightness(row, column);
  }
  return image;
}

/**
 * A white disk on black, centred, its edge softened over one pixel.
 * @param {number} size
 * @param {number} radius
 */
export function disk(size, radius) {
  const middle = (size - 1) / 2;
  return drawn(size, (row, column) => Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(row - middle, column - middle))));
}

/**
 * Evenly brighter in one direction, by 1 per pixel, and 0 in the middle; `angle` in degrees, 90 points downwards.
 * @param {number} size
 * @param {number} angle
 */
export function ramp(size, angle = 0) {
  const middle = (size - 1) / 2;
  const across = Math.cos((angle * Math.PI) / 180);
  const down = Math.sin((angle * Math.PI) / 180);
  return drawn(size, (row, column) => across * (column - middle) + down * (row - middle));
}

/**
 * Black and white squares in turns, the upper left one black.
 * @param {number} size
 * @param {number} field
 */
export function checkerboard(size, field = 8) {
  return drawn(size, (row, column) => (Math.floor(row / field) + Math.floor(column / field)) % 2);
}

/**
 * How bright a colour looks, from its red, green and blue planes.
 * @param {Picture} picture
 */
export function luma([red, green, blue]) {
  const gray = plane(red.height, red.width);
  for (let i = 0; i < gray.data.length; i++) {
    gray.data[i] = 0.299 * red.data[i] + 0.587 * green.data[i] + 0.114 * blue.data[i];
  }
  return gray;
}

/**
 * Red, green and blue planes from an array of shape (H, W, 3) that counts from 0 to 255.
 * @param {{ shape: number[], data: ArrayLike<number> }} array
 * @returns {Picture}
 */
export function planes({ shape: [height, width, channels], data }) {
  return [0, 1, 2].map((channel) => {
    const one = plane(height, width);
    for (let i = 0; i < one.data.length; i++) one.data[i] = data[i * channels + channel] / 255;
    return one;
  });
}

/**
 * A gray photo under a grid of lines that are too colourful: on the first `width` of every `spacing` rows and columns.
 * @param {Picture} photo
 * @param {number} spacing
 * @param {number} width
 * @param {number} saturation
 * @returns {Picture}
 */
export function colorGrid(photo, spacing = 8, width = 2, saturation = 2) {
  const gray = luma(photo);
  return photo.map(({ data }) => {
    const out = plane(gray.height, gray.width);
    for (let row = 0, i = 0; row < gray.height; row++) {
      for (let column = 0; column < gray.width; column++, i++) {
        const line = row % spacing < width || column % spacing < width;
        const value = line ? gray.data[i] + saturation * (data[i] - gray.data[i]) : gray.data[i];
        out.data[i] = Math.min(1, Math.max(0, value));
      }
    }
    return out;
  });
}

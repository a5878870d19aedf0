// An image on a canvas that can be pointed at, touched and walked over with the arrow keys.

import { ARROWS, make } from "./dom.js";

const FAR = 10; // pixels at once while Shift is held

export class Picture {
  /**
   * `label` is read to screen readers. `onPoint(row, column, passing)` is called where the reader points; `passing` if it is a mouse
   * that only passes over, without a button pressed.
   *
   * @param {string} label
   * @param {(row: number, column: number, passing: boolean) => void} [onPoint]
   */
  constructor(label, onPoint) {
    this.canvas = make("canvas", {
      role: onPoint ? "application" : "img",
      "aria-label": label,
      "aria-roledescription": onPoint ? "picture to walk over with the arrow keys" : undefined,
      tabindex: onPoint ? 0 : undefined,
    });
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.pixels = this.context.createImageData(1, 1);
    this.window = make("span", { class: "picture-window", hidden: true });
    this.element = make("div", { class: "picture" }, this.canvas, this.window);
    this.size = [0, 0];
    this.place = [0, 0];
    this.step = 1; // pixels that an arrow key goes
    if (onPoint) this.#listen(onPoint);
  }

  /** @param {(row: number, column: number, passing: boolean) => void} onPoint */
  #listen(onPoint) {
    /** @param {PointerEvent} event */
    const point = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const [height, width] = this.size;
      /**
       * @param {number} part
       * @param {number} whole
       * @param {number} count
       */
      const inside = (part, whole, count) => Math.min(count - 1, Math.max(0, Math.floor((part / whole) * count)));
      onPoint(
        inside(event.clientY - box.top, box.height, height),
        inside(event.clientX - box.left, box.width, width),
        event.type === "pointermove" && !event.buttons,
      );
    };
    this.canvas.addEventListener("pointermove", (event) => (event.pointerType === "mouse" || event.buttons) && point(event));
    this.canvas.addEventListener("pointerdown", point);
    this.canvas.addEventListener("keydown", (event) => {
      const step = ARROWS[event.key];
      if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const to = this.place.map((at, axis) => at + step[axis] * this.step * (event.shiftKey ? FAR : 1));
      const [row, column] = to.map((at, axis) => Math.min(this.size[axis] - 1, Math.max(0, at)));
      onPoint(row, column, false);
    });
  }

  /**
   * One plane in gray, or three in colour; `low` is drawn black, `high` white.
   *
   * @param {Plane[]} planes
   * @param {number} low
   * @param {number} high
   */
  show(planes, low = 0, high = 1) {
    const { height, width } = planes[0];
    if (this.size[0] !== height || this.size[1] !== width) {
      this.size = [height, width];
      Object.assign(this.canvas, { height, width });
      this.pixels = this.context.createImageData(width, height);
      this.element.style.setProperty("--aspect", String(width / height));
    }
    const bytes = this.pixels.data; // clamped: what is outside low ... high is drawn black or white
    const scale = 255 / (high - low);
    const [red, green, blue] = planes.length === 3 ? planes : [planes[0], planes[0], planes[0]];
    for (let i = 0, to = 0; i < red.data.length; i++, to += 4) {
      bytes[to] = (red.data[i] - low) * scale;
      bytes[to + 1] = (green.data[i] - low) * scale;
      bytes[to + 2] = (blue.data[i] - low) * scale;
      bytes[to + 3] = 255;
    }
    this.context.putImageData(this.pixels, 0, 0);
  }

  /**
   * A signed plane: zero is mid-gray, negative darker, positive brighter, as in all figures of the guide.
   *
   * @param {Plane} plane
   * @param {number} most
   */
  showSigned(plane, most) {
    this.show([plane], -most || -1, most || 1);
  }

  /**
   * Frame `rows` x `columns` pixels whose upper left one is (row, column); what sticks out is cut off.
   *
   * @param {number} row
   * @param {number} column
   * @param {number} rows
   * @param {number} columns
   */
  frame(row, column, rows = 1, columns = 1) {
    const [height, width] = this.size;
    /**
     * @param {number} part
     * @param {number} whole
     */
    const percent = (part, whole) => `${(100 * part) / whole}%`;
    const [top, left] = [Math.max(0, row), Math.max(0, column)];
    Object.assign(this.window.style, {
      top: percent(top, height),
      left: percent(left, width),
      height: percent(Math.min(height, row + rows) - top, height),
      width: percent(Math.min(width, column + columns) - left, width),
    });
    this.window.hidden = false;
  }
}

const BINS = 2000;

/**
 * The magnitude that all but 2 in 1000 pixels stay below: a single extreme pixel must not gray out all others.
 * @param {Plane} plane
 */
export function nearlyLargest(plane) {
  const most = largest(plane);
  if (most === 0) return 0;
  const counts = new Uint32Array(BINS + 1);
  const scale = BINS / most;
  for (let i = 0; i < plane.data.length; i++) counts[(Math.abs(plane.data[i]) * scale) | 0]++;
  let bin = BINS;
  for (let above = counts[bin]; above < 0.002 * plane.data.length; above += counts[bin]) bin--;
  return ((bin + 1) / BINS) * most;
}

/**
 * The largest magnitude in a plane.
 * @param {Plane} plane
 */
export function largest({ data }) {
  let most = 0;
  for (let i = 0; i < data.length; i++) {
    const magnitude = Math.abs(data[i]);
    if (magnitude > most) most = magnitude;
  }
  return most;
}

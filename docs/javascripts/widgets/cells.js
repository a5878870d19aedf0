// One axis of a network: a row of cells for each layer, each cell drawn beneath the pixels that it sees, on a canvas.

import { ARROWS, make } from "./dom.js";

const FAR = 10; // cells at once while Shift is held
const SMALLEST_CELL = 4; // pixels on the screen; narrower ones are drawn as one bar
const MARGIN = 0.1; // of the image, on either side: what is padded there is shown, the rest is cut off

export class Cells {
  /**
   * `label` is read to screen readers. `onPoint(row, cell)` is called where the reader chooses a cell, `onLook(row, cell)` while
   * the mouse is over one, and without arguments when it leaves; `onResize()` when all must be drawn again.
   */
  constructor(label, { onPoint, onLook, onResize }) {
    this.canvas = make("canvas", {
      role: onPoint ? "application" : "img",
      "aria-label": label,
      "aria-roledescription": onPoint ? "rows of cells to walk over with the arrow keys" : undefined,
      tabindex: onPoint ? 0 : undefined,
    });
    this.names = make("div", { class: "cells-names", "aria-hidden": "true" });
    this.element = make("div", { class: "cells" }, this.names, make("div", { class: "cells-picture" }, this.canvas));
    this.rows = [];
    if (onPoint) this.#listen(onPoint, onLook);
    let width = 0;
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width !== width) onResize();
      width = contentRect.width;
    }).observe(this.canvas.parentElement);
  }

  #listen(onPoint, onLook) {
    const under = ({ clientX, clientY }) => {
      const box = this.canvas.getBoundingClientRect();
      const row = within(Math.floor((clientY - box.top) / this.pitch), this.rows.length);
      const pixel = this.from + (clientX - box.left) / this.scale;
      const { start, jump, size } = this.rows[row];
      return [row, within(Math.round((pixel - start) / jump), size)];
    };
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && !event.buttons) onLook(...under(event));
      else if (event.buttons) onPoint(...under(event));
    });
    this.canvas.addEventListener("pointerdown", (event) => onPoint(...under(event)));
    this.canvas.addEventListener("pointerleave", () => onLook());
    this.canvas.addEventListener("keydown", (event) => {
      const step = ARROWS[event.key];
      if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      onPoint(...this.#beside(...step, event.shiftKey ? FAR : 1));
    });
  }

  /** The cell one step further; another row's is the one over or under it. */
  #beside(down, right, times) {
    const [row, cell] = this.chosen;
    const { start, jump } = this.rows[row];
    const to = within(row + down, this.rows.length);
    const moved = down ? Math.round((start + cell * jump - this.rows[to].start) / this.rows[to].jump) : cell + right * times;
    return [to, within(moved, this.rows[to].size)];
  }

  /**
   * Draw rows of { name, size, start, jump, padding: [before, after], marked }; `marked` is a set of places, some of them perhaps in
   * the padding; `chosen` is [row, cell]. `pitch` is the height of a row with its gap.
   */
  draw(rows, chosen, colours, pitch = rows.length > 30 ? 13 : rows.length > 16 ? 17 : 24) {
    Object.assign(this, { rows, chosen, pitch });
    this.#range();
    const ratio = devicePixelRatio || 1;
    const width = this.canvas.parentElement.clientWidth;
    const height = rows.length * pitch;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.canvas.style.height = `${height}px`;
    this.scale = width / (this.to - this.from);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    this.#drawCone(context, colours);
    rows.forEach((row, i) => this.#drawRow(context, colours, row, i));
    this.#nameRows();
  }

  /** Which pixels are drawn: the image, and what is padded beside it. */
  #range() {
    const [input] = this.rows;
    const margin = input.size * MARGIN;
    const lefts = this.rows.map(({ start, jump, padding: [before] }) => start - (before + 0.5) * jump);
    const rights = this.rows.map(({ start, jump, size, padding: [, after] }) => start + (size - 0.5 + after) * jump);
    this.from = Math.max(Math.min(...lefts), -0.5 - margin);
    this.to = Math.min(Math.max(...rights), input.size - 0.5 + margin);
  }

  #x({ start, jump }, cell) {
    return (start + (cell - 0.5) * jump - this.from) * this.scale; // the left edge of a cell
  }

  #drawRow(context, colours, row, i) {
    const { size, start, jump, padding, marked } = row;
    const [top, height] = [i * this.pitch + this.pitch * 0.15, this.pitch * 0.7];
    const gap = jump * this.scale >= SMALLEST_CELL ? 1 : 0;
    const fill = (first, count, colour, alpha) => {
      context.globalAlpha = alpha;
      context.fillStyle = colour;
      const low = Math.max(first, Math.floor((this.from - start) / jump)); // what is cut off takes no time
      const high = Math.min(first + count, Math.ceil((this.to - start) / jump) + 1);
      const step = gap ? 1 : high - low; // single cells, or all in one
      for (let cell = low; cell < high; cell += step) {
        const [left, right] = [this.#x(row, cell), this.#x(row, cell + step)];
        context.fillRect(left + gap / 2, top, Math.max(right - left - gap, 1), height);
      }
    };
    fill(0, size, colours.blue, 0.22);
    fill(-padding[0], padding[0], colours.faint, 0.35);
    fill(size, padding[1], colours.faint, 0.35);
    const [chosenRow, chosenCell] = this.chosen;
    const inside = ([first, count]) => [Math.max(first, 0), Math.min(first + count, size) - Math.max(first, 0)];
    for (const run of runs(marked)) {
      fill(...run, colours.orange, i < chosenRow ? 0.35 : 0); // padding that is read stays pale
      fill(...inside(run), i < chosenRow ? colours.orange : colours.green, 0.85);
    }
    if (i === chosenRow) {
      fill(chosenCell, 1, colours.orange, 1);
      context.strokeStyle = colours.ink;
      context.lineWidth = 1.5;
      context.strokeRect(this.#x(row, chosenCell), top - 1, Math.max(jump * this.scale, 2), height + 2);
    }
    context.globalAlpha = 1;
  }

  /** What is between the outermost marked cells of neighbouring rows. */
  #drawCone(context, colours) {
    context.globalAlpha = 0.3;
    for (let i = 1; i < this.rows.length; i++) {
      const [above, below] = [this.rows[i - 1], this.rows[i]];
      if (!above.marked.size || !below.marked.size) continue;
      const edges = [above, below].map((row) => [
        this.#x(row, Math.min(...row.marked)),
        this.#x(row, Math.max(...row.marked) + 1),
      ]);
      const [top, bottom] = [(i - 0.15) * this.pitch, (i + 0.15) * this.pitch];
      context.fillStyle = i <= this.chosen[0] ? colours.orange : colours.green;
      context.beginPath();
      context.moveTo(edges[0][0], top);
      context.lineTo(edges[0][1], top);
      context.lineTo(edges[1][1], bottom);
      context.lineTo(edges[1][0], bottom);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  #nameRows() {
    this.names.style.setProperty("--pitch", `${this.pitch}px`);
    const names = this.rows.map(({ name }) => name);
    if (this.named?.join("\n") === names.join("\n")) return;
    this.named = names;
    this.names.replaceChildren(...names.map((name) => make("span", { title: name }, name)));
  }
}

function within(place, count) {
  return Math.min(count - 1, Math.max(0, place));
}

/** [first, how many] for each run of neighbouring places. */
function runs(places) {
  const found = [];
  for (const place of [...places].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && last[0] + last[1] === place) last[1]++;
    else found.push([place, 1]);
  }
  return found;
}

// Grid illusion: a grey photo under a grid of coloured lines, and the means of its blocks, which have the photo's colours.

import { blockMeans, colorOf, correlation, distance, grayShare } from "../core/color.js";
import { load } from "../core/data.js";
import { colorGrid, luma, plane, planes } from "../core/images.js";
import { decimals, make } from "./dom.js";
import { Widget } from "./element.js";
import { Picture } from "./picture.js";
import { flag, place, range } from "./settings.js";

const NEAR = [32, 48]; // rows and columns of the part that is shown nearer
const LONGEST_SIDE = 160; // of the photo
const CHANNELS = ["red", "green", "blue"];

const pixels = (count) => `${count} ${count === 1 ? "pixel" : "pixels"}`;

class GridIllusion extends Widget {
  static settings = {
    spacing: range("Spacing", { min: 4, max: 16, value: 8, say: pixels }),
    width: range("Width of the lines", { min: 0, max: 4, value: 2, say: pixels }), // never more than the spacing
    saturation: range("Saturation", { min: 0, max: 4, step: 0.25, value: 2, say: (times) => `${times} ×` }),
    means: flag("Show the means of the blocks"),
    row: place("Row", 51, LONGEST_SIDE),
    column: place("Column", 75, LONGEST_SIDE),
  };

  async prepare() {
    this.photo = planes(await load("photo"));
    this.color = colorOf(this.photo);
    const gray = luma(this.photo);
    this.gray = [gray, gray, gray];
  }

  build() {
    const point = (row, column, passing) => this.set({ row, column }, { passing });
    const pointBlock = (row, column, passing) => point(row * this.state.spacing, column * this.state.spacing, passing);
    this.pictures = {
      grid: new Picture("The grey photo under the grid of coloured lines", point),
      near: new Picture("A part of it, nearer"),
      means: new Picture("The means of its blocks", pointBlock),
      wanted: new Picture("The means of the photo’s own blocks", pointBlock),
    };
    const { grid, near, means, wanted } = this.pictures;
    const cell = (caption, picture) => make("div", {}, make("p", { class: "widget-caption" }, caption), picture.element);
    const row = (...cells) => make("div", { class: "widget-row" }, ...cells);
    this.averages = row(cell("Means of its blocks", means), cell("Means of the photo’s blocks", wanted));
    this.block = make("div", { class: "grid-block" });
    return [
      row(cell("Step back. Point, or use the arrow keys", grid), cell("The same, nearer", near)),
      this.averages,
      this.block,
    ];
  }

  /** The picture, its block means and what is measured on them; computed anew only when the grid changes. */
  #measured({ spacing, width, saturation }) {
    const key = [spacing, width, saturation].join();
    if (this.measures?.key !== key) {
      const grid = colorGrid(this.photo, spacing, width, saturation);
      const color = colorOf(grid);
      const [means, wanted, gray] = [grid, this.photo, this.gray].map((picture) => blockMeans(picture, spacing));
      this.measures = {
        key,
        grid,
        means,
        wanted,
        grayShare: grayShare(grid),
        pixels: correlation(this.color, color),
        blocks: correlation(blockMeans(this.color, spacing), blockMeans(color, spacing)),
        distance: distance(means, wanted),
        distanceOfGray: distance(gray, wanted),
      };
    }
    return this.measures;
  }

  /** Row and column of the block that is pointed at. */
  #block({ row, column, spacing }, { means: [{ height, width }] }) {
    return [Math.min(Math.floor(row / spacing), height - 1), Math.min(Math.floor(column / spacing), width - 1)];
  }

  draw(state) {
    const measures = this.#measured(state);
    const { grid, near, means, wanted } = this.pictures;
    if (this.drawn !== measures) {
      grid.show(measures.grid);
      means.show(measures.means);
      wanted.show(measures.wanted);
    }
    this.drawn = measures;
    this.averages.hidden = !state.means;
    const { spacing } = state;
    const [row, column] = this.#block(state, measures);
    const [top, left] = [row * spacing, column * spacing];
    grid.step = spacing;
    grid.place = [top, left];
    grid.frame(top, left, spacing, spacing);
    for (const picture of [means, wanted]) {
      picture.place = [row, column];
      picture.frame(row, column);
    }
    const corner = [top, left].map((at, axis) => {
      const middle = Math.round(at + spacing / 2 - NEAR[axis] / 2);
      return Math.min(Math.max(0, middle), grid.size[axis] - NEAR[axis]);
    });
    near.show(measures.grid.map((one) => cut(one, ...corner, ...NEAR)));
    near.frame(top - corner[0], left - corner[1], spacing, spacing);
    this.#tell(measures, row, column);
  }

  #tell({ means, wanted }, row, column) {
    const line = (name, color) =>
      make(
        "div",
        {},
        make("span", { class: "grid-swatch", style: `background: rgb(${color.map((part) => 100 * part + "%").join(" ")})` }),
        `${name}: ${CHANNELS.map((channel, i) => `${channel} ${decimals(color[i])}`).join(", ")}`,
      );
    this.block.replaceChildren(
      make("p", {}, `Block in row ${row + 1}, column ${column + 1}:`),
      line("its mean", colorAt(means, row, column)),
      line("the photo’s mean", colorAt(wanted, row, column)),
    );
  }

  describe(state) {
    const { grayShare, pixels, blocks, distance, distanceOfGray } = this.#measured(state);
    if (blocks === undefined) return "The whole picture is grey: there is no colour to be seen, near or far.";
    return (
      `${decimals(100 * grayShare, 0)} % of the pixels are exactly grey. Pixel by pixel, the colour correlates with the photo’s by ` +
      `${decimals(pixels)}, in means over blocks of ${state.spacing}×${state.spacing} by ${decimals(blocks)}. ` +
      `These means are ${decimals(distance, 3)} away from the photo’s, ` +
      `on a scale from 0 to 1; those of a grey photo ${decimals(distanceOfGray, 3)}.`
    );
  }

  /** The row of blocks that is pointed at. */
  table(state) {
    const measures = this.#measured(state);
    const [row] = this.#block(state, measures);
    const { means, wanted } = measures;
    const told = (color) => color.map((part) => decimals(part)).join(", ");
    return {
      head: ["block: row, column", "its mean: red, green, blue", "the photo’s", "distance"],
      rows: Array.from({ length: means[0].width }, (_, column) => {
        const [got, want] = [means, wanted].map((picture) => colorAt(picture, row, column));
        const apart = Math.sqrt(got.reduce((sum, value, i) => sum + (value - want[i]) ** 2, 0) / got.length);
        return [`${row + 1}, ${column + 1}`, told(got), told(want), decimals(apart, 3)];
      }),
    };
  }
}

function cut({ width, data }, top, left, rows, columns) {
  const part = plane(rows, columns);
  for (let row = 0; row < rows; row++) {
    const start = (top + row) * width + left;
    part.data.set(data.subarray(start, start + columns), row * columns);
  }
  return part;
}

function colorAt(picture, row, column) {
  return picture.map(({ width, data }) => data[row * width + column]);
}

GridIllusion.define("grid-illusion");

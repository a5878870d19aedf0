// Kernel explorer: a kernel slid over a picture, and the sum of products at the place that the reader points at.

import { load } from "../core/data.js";
import { applyFilter, windowAt } from "../core/filters.js";
import { checkerboard, disk, luma, plane, planes, ramp } from "../core/images.js";
import { make, shown } from "./dom.js";
import { Widget } from "./element.js";
import { largest, nearlyLargest, Picture } from "./picture.js";
import { choice, hidden, place } from "./settings.js";

const LONGEST_SIDE = 512; // of a reader's own picture; a larger one is made smaller
const SIDES = [1, 2, 3, 4, 5];
const PLANES = ["red", "green", "blue"];
const OWN = "own"; // a picture of the reader's own, which no link can hold
const HEAVIEST = 1000; // weight
const ROUNDING = 1e-12; // of the weights in sum: what adds up to less is nothing, and crumbs of binary fractions
const NAMES = {
  sobel_x: "Sobel-X",
  sobel_y: "Sobel-Y",
  laplacian: "Laplacian",
  laplacian_8: "Laplacian, eight neighbours",
  prewitt_x: "Prewitt-X",
  prewitt_y: "Prewitt-Y",
  scharr_x: "Scharr-X",
  scharr_y: "Scharr-Y",
  box: "box (mean)",
  gaussian: "Gaussian",
  sharpen: "sharpen",
  identity: "identity",
};
const FLAT = plane(3, 3); // in place of the named kernels until they are loaded

let named = {};

function kernelFrom(rows) {
  return plane(rows.length, rows[0].length, Float64Array.from(rows.flat()));
}

/** Names denote the named kernels; all others are written as rows: 1,0,-1;2,0,-2. */
function readKernel(text) {
  if (Object.hasOwn(named, text)) return named[text];
  const rows = text.split(";").map((row) => row.split(",").map((entry) => (entry.trim() === "" ? NaN : Number(entry))));
  const fits =
    SIDES.includes(rows.length) &&
    SIDES.includes(rows[0].length) &&
    rows.every((row) => row.length === rows[0].length && row.every((entry) => Math.abs(entry) <= HEAVIEST));
  return fits ? kernelFrom(rows) : undefined;
}

function rowsOf({ height, width, data }) {
  return Array.from({ length: height }, (_, row) => Array.from(data.slice(row * width, (row + 1) * width)));
}

function writeKernel(kernel) {
  const rows = rowsOf(kernel).join(";");
  return Object.keys(named).find((name) => rowsOf(named[name]).join(";") === rows) ?? rows;
}

const isWeight = (number) => Math.abs(number) <= HEAVIEST; // false for what is not a number, too
const crumbs = ({ data }) => ROUNDING * data.reduce((sum, weight) => sum + Math.abs(weight), 0);

class KernelExplorer extends Widget {
  static settings = {
    picture: {
      ...choice("Picture", { coffee: "photo", disk: "disk", checkerboard: "checkerboard", ramp: "ramp" }),
      write: (name) => (name === OWN ? "coffee" : name),
    },
    colour: choice("Channels", { gray: "gray", rgb: "red, green and blue, summed" }),
    border: choice("Beyond the border", {
      reflect: "reflected, edge repeated",
      mirror: "mirrored, edge not repeated",
      nearest: "the nearest pixel",
      wrap: "the opposite side",
      constant: "zeros",
    }),
    output: choice("Show the sums", { signed: "zero as mid-gray", picture: "as a picture, 0 to 1" }),
    kernel: hidden("Kernel", {
      value: FLAT,
      read: readKernel,
      write: writeKernel,
      range: "the name of a kernel, or up to 5 rows of up to 5 numbers, as in 1,0;0,-1",
    }),
    row: place("Row", 52, LONGEST_SIDE),
    column: place("Column", 63, LONGEST_SIDE),
  };

  async prepare() {
    const [kernels, photo] = await Promise.all([load("kernels"), load("photo")]);
    named = Object.fromEntries(Object.keys(NAMES).map((name) => [name, kernelFrom(kernels[name])]));
    this.settings.kernel.value = named.sobel_x;
    this.pictures = {
      coffee: planes(photo),
      disk: [disk(64, 20)],
      checkerboard: [checkerboard(64, 8)],
      ramp: [ramp(64, 0)].map((image) =>
        plane(
          64,
          64,
          image.data.map((value) => value / 63 + 0.5),
        ),
      ),
    };
  }

  build() {
    const point = (row, column, passing) => this.set({ row, column }, { passing });
    this.source = new Picture("The picture. Its pixels under the kernel are listed below.", point);
    this.result = new Picture("The sums of products, one for each pixel.", point);
    this.own = make("input", { type: "file", accept: "image/*", onchange: () => this.#take(this.own.files[0]) });
    this.ownOption = make("option", { value: OWN, disabled: true }, "your own");
    this.controls.querySelector("[data-setting=picture] select").append(this.ownOption);
    this.controls.append(
      make("label", { class: "widget-control" }, make("span", {}, "or your own, which stays in this page"), this.own),
    );
    this.grid = make("div", { class: "number-grid" });
    this.products = make("div", { class: "kernel-products" });
    return [
      this.#kernelControls(),
      make(
        "div",
        { class: "widget-row" },
        make(
          "div",
          {},
          make("p", { class: "widget-caption" }, "Picture: point at it, or walk with the arrow keys"),
          this.source.element,
        ),
        make("div", {}, make("p", { class: "widget-caption" }, "Sums of products"), this.result.element),
      ),
      make("div", { class: "widget-scroller", tabindex: 0, role: "region", "aria-label": "Products" }, this.products),
    ];
  }

  #kernelControls() {
    const options = Object.entries(NAMES).map(([name, label]) => make("option", { value: name }, label));
    this.preset = make("select", {}, ...options, make("option", { value: "", disabled: true }, "your own"));
    this.preset.addEventListener("change", () => this.set({ kernel: named[this.preset.value] }));
    const side = (axis) => {
      const select = make("select", { "aria-label": axis }, ...SIDES.map((n) => make("option", { value: n }, String(n))));
      select.addEventListener("change", () => this.#resize(Number(this.rows.value), Number(this.columns.value)));
      return select;
    };
    [this.rows, this.columns] = [side("Rows of the kernel"), side("Columns of the kernel")];
    return make(
      "div",
      { class: "kernel-controls" },
      make("label", { class: "widget-control" }, make("span", {}, "Kernel"), this.preset),
      make("span", { class: "widget-control" }, this.rows, "×", this.columns),
      this.grid,
    );
  }

  /** The same weights around the same centre, with more zeros around them or fewer weights. */
  #resize(height, width) {
    const old = this.state.kernel;
    const kernel = plane(height, width);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [r, c] = [row + (old.height >> 1) - (height >> 1), column + (old.width >> 1) - (width >> 1)];
        if (r >= 0 && r < old.height && c >= 0 && c < old.width) kernel.data[row * width + column] = old.data[r * old.width + c];
      }
    }
    this.set({ kernel });
  }

  async #take(file) {
    if (!file) return;
    try {
      const bitmap = await createImageBitmap(file);
      const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
      const [height, width] = [bitmap.height, bitmap.width].map((length) => Math.max(1, Math.round(length * scale)));
      const context = make("canvas", { height, width }).getContext("2d");
      context.fillStyle = "white"; // beneath what is transparent
      context.fillRect(0, 0, width, height);
      context.drawImage(bitmap, 0, 0, width, height);
      this.pictures[OWN] = planes({ shape: [height, width, 4], data: context.getImageData(0, 0, width, height).data });
      this.ownOption.disabled = false;
      this.set({ picture: OWN, row: height >> 1, column: width >> 1 });
    } catch {
      this.complain(`${file.name} is not a picture that this browser can read; try a PNG or a JPEG.`);
    }
    this.own.value = ""; // so that the same file can be chosen again
  }

  /** The planes that are filtered: one in gray, three in colour. */
  #planes({ picture, colour }) {
    const all = this.pictures[picture];
    if (all.length === 1) return all;
    this.grays ??= new WeakMap();
    if (!this.grays.has(all)) this.grays.set(all, [luma(all)]);
    return colour === "rgb" ? all : this.grays.get(all);
  }

  #sums(state) {
    const key = [this.#planes(state), state.kernel, state.border];
    if (!this.filtered || this.filtered.key.some((part, i) => part !== key[i])) {
      const [first, ...others] = key[0].map((one) => applyFilter(one, state.kernel, state.border));
      for (const other of others) other.data.forEach((value, i) => (first.data[i] += value));
      const most = largest(first);
      const nothing = most <= crumbs(state.kernel);
      this.filtered = { key, plane: first, most: nothing ? 0 : most, white: nothing ? 0 : nearlyLargest(first) };
    }
    return this.filtered;
  }

  #place({ picture, row, column }) {
    const { height, width } = this.pictures[picture][0];
    return [Math.min(row, height - 1), Math.min(column, width - 1)];
  }

  draw(state) {
    const { kernel, border } = state;
    const sources = this.#planes(state);
    const sums = this.#sums(state);
    if (this.drawn !== sources) this.source.show(sources);
    this.drawn = sources;
    if (this.shown !== sums || this.way !== state.output) {
      if (state.output === "signed") this.result.showSigned(sums.plane, sums.white);
      else this.result.show([sums.plane]);
    }
    [this.shown, this.way] = [sums, state.output];
    const [row, column] = this.#place(state);
    this.source.place = this.result.place = [row, column];
    this.source.frame(row - (kernel.height >> 1), column - (kernel.width >> 1), kernel.height, kernel.width);
    this.result.frame(row, column);
    this.#drawKernel(kernel);
    this.#spellOut(
      sources.map((one) => windowAt(one, kernel.height, kernel.width, row, column, border)),
      kernel,
    );
  }

  #drawKernel(kernel) {
    const name = writeKernel(kernel);
    this.preset.value = Object.hasOwn(named, name) ? name : "";
    [this.rows.value, this.columns.value] = [kernel.height, kernel.width];
    if (this.grid.childElementCount !== kernel.data.length || Number(this.grid.dataset.columns) !== kernel.width) {
      this.grid.dataset.columns = kernel.width;
      this.grid.style.setProperty("--columns", kernel.width);
      this.grid.replaceChildren(...Array.from(kernel.data, (_, entry) => this.#weight(entry, kernel.width)));
    }
    kernel.data.forEach((weight, entry) => {
      const field = this.grid.children[entry];
      if (document.activeElement === field && (!isWeight(field.valueAsNumber) || field.valueAsNumber === weight)) return;
      field.value = Number(weight.toFixed(4));
      field.setAttribute("aria-invalid", "false");
    });
  }

  #weight(entry, columns) {
    const label = `Weight in row ${Math.floor(entry / columns) + 1}, column ${(entry % columns) + 1}`;
    const field = make("input", { type: "number", step: "any", min: -HEAVIEST, max: HEAVIEST, "aria-label": label });
    field.addEventListener("input", () => {
      const weight = field.valueAsNumber;
      field.setAttribute("aria-invalid", String(!isWeight(weight)));
      if (!isWeight(weight)) return;
      const { height, width, data } = this.state.kernel;
      this.set({ kernel: plane(height, width, data.with(entry, weight)) });
    });
    field.addEventListener("change", () => {
      if (!isWeight(field.valueAsNumber)) this.complain(`${label} must be a number between −${HEAVIEST} and ${HEAVIEST}.`);
    });
    return field;
  }

  /** Pixels, weights, products: one line of small grids for each plane, and the sum. */
  #spellOut(windows, kernel) {
    const grid = (values, digits) =>
      make(
        "span",
        { class: "number-grid", style: `--columns: ${kernel.width}` },
        ...Array.from(values, (value) => make("span", {}, shown(value, digits))),
      );
    const weights = Array.from(kernel.data);
    this.sum = 0;
    const lines = windows.map((pixels, which) => {
      const products = pixels.map((pixel, i) => pixel * weights[i]);
      const exact = products.reduce((total, product) => total + product, 0);
      const sum = Math.abs(exact) <= crumbs(kernel) ? 0 : exact;
      this.sum += sum;
      const plane = windows.length > 1 ? `${PLANES[which]}: ` : "";
      return make(
        "div",
        { class: "kernel-line" },
        ...[plane, grid(pixels, 2), "×", grid(weights, 2), "=", grid(products, 2), "sum", make("b", {}, shown(sum))].map(
          (part) => (typeof part === "string" ? make("span", {}, part) : part),
        ),
      );
    });
    if (Math.abs(this.sum) <= crumbs(kernel)) this.sum = 0;
    if (windows.length > 1) lines.push(make("div", { class: "kernel-line" }, "all three: ", make("b", {}, shown(this.sum))));
    this.products.replaceChildren(...lines);
  }

  describe(state) {
    const [row, column] = this.#place(state);
    const name = NAMES[writeKernel(state.kernel)] ?? "your kernel";
    const kind = this.sum > 0 ? "brighter than mid-gray" : this.sum < 0 ? "darker than mid-gray" : "mid-gray";
    const drawnAs = state.output === "signed" ? `, drawn ${kind}` : "";
    return `At row ${row}, column ${column}, the products of ${name} and the pixels under it sum to ${shown(this.sum)}${drawnAs}. The largest sum in the picture has the size ${shown(this.#sums(state).most)}.`;
  }

  table(state) {
    const [row, column] = this.#place(state);
    const { height, width, data } = state.kernel;
    const sources = this.#planes(state);
    const windows = sources.map((one) => windowAt(one, height, width, row, column, state.border));
    return {
      head: ["row, column of the kernel", ...(sources.length > 1 ? ["channel"] : []), "pixel", "weight", "product"],
      rows: windows.flatMap((pixels, which) =>
        pixels.map((pixel, i) => [
          `${Math.floor(i / width) + 1}, ${(i % width) + 1}`,
          ...(sources.length > 1 ? [PLANES[which]] : []),
          shown(pixel, 4),
          shown(data[i], 4),
          shown(pixel * data[i], 4),
        ]),
      ),
    };
  }
}

KernelExplorer.define("kernel-explorer");

// Size chain: the same convolution again and again, its maps to scale, what they see, and the sizes and convolutions as
// posts and gaps.

import { trace } from "../core/receptive_field.js";
import { convChain, convOutputSize, formatChain } from "../core/shapes.js";
import { svg } from "./chart.js";
import { counted, make } from "./dom.js";
import { Widget } from "./element.js";
import { Player } from "./player.js";
import { hidden, range, whole } from "./settings.js";

const [WIDTH, SQUARE, LABELS] = [420, 200, 44]; // of the picture, of the image in it, height of what is written below
const POSTS = 5; // that are seen at once
const POST = { width: 10, height: 62 };
const LARGEST = 512;

class SizeChain extends Widget {
  static settings = {
    size: whole("Start size", { min: 1, max: LARGEST, value: 199 }),
    kernel: range("Kernel", { min: 1, max: 11, value: 3 }),
    stride: range("Stride", { min: 1, max: 4, value: 1 }),
    padding: range("Padding per side", { min: 0, max: 5, value: 0 }),
    dilation: range("Dilation", { min: 1, max: 8, value: 1 }),
    step: hidden("Convolutions so far", {
      value: 33,
      read: (text) => (/^\d{1,3}$/.test(text) && Number(text) < LARGEST ? Number(text) : undefined),
      range: `a whole number below ${LARGEST}`,
    }),
  };

  build() {
    this.player = new Player({ step: () => this.#step(), interval: 120 });
    this.slider = make("input", { type: "range", min: 0, step: 1, class: "size-slider" });
    this.done = make("output", { "aria-hidden": "true" }); // the slider itself says it
    this.slider.addEventListener("input", () => this.set({ step: Number(this.slider.value) }));
    this.picture = svg("svg", {
      class: "chart size-picture",
      viewBox: `0 0 ${WIDTH} ${SQUARE + LABELS}`,
      role: "img",
      "aria-label": "The image with what one value sees, and the map, to the same scale.",
    });
    this.fence = svg("svg", {
      class: "chart size-picture",
      viewBox: `0 0 ${WIDTH} 116`,
      role: "img",
      "aria-label": "Sizes as posts of a fence, convolutions as the gaps between them.",
    });
    this.totals = make("p", { class: "widget-caption" });
    this.text = make("p", { class: "size-text" });
    const region = { class: "widget-scroller", tabindex: 0, role: "region", "aria-label": "The chain" };
    this.scroller = make("div", region, this.text);
    return [
      make(
        "div",
        { class: "widget-controls size-scrubber" },
        make("label", { class: "widget-control" }, make("span", {}, "Convolutions so far"), this.slider, this.done),
        this.player.element,
      ),
      make("div", { class: "widget-row" }, this.picture, make("div", {}, this.fence, this.totals)),
      this.scroller,
    ];
  }

  /** The chain in these settings: [{ size, receptiveField, jump, start }, ...]; nothing where it never ends. */
  #rows({ size, kernel, stride, padding, dilation }) {
    const key = [size, kernel, stride, padding, dilation].join();
    if (this.key === key) return this.rows;
    this.key = key;
    this.refusal = "";
    this.rows = [];
    try {
      const convolutions = convChain(size, kernel, stride, padding, dilation).length - 1;
      this.rows = trace(Array(convolutions).fill({ kernel, stride, padding, dilation }), size);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.refusal = error.message;
    }
    return this.rows;
  }

  problem(state) {
    this.#rows(state);
    return this.refusal && `${this.refusal[0].toUpperCase()}${this.refusal.slice(1)}.`;
  }

  /** Where the reader is; a chain that became shorter ends earlier. */
  #at(state) {
    return Math.min(state.step, this.#rows(state).length - 1);
  }

  #step() {
    const last = this.#rows(this.state).length - 1;
    const at = this.#at(this.state);
    this.set({ step: at < last ? at + 1 : 0 });
    return this.state.step < last;
  }

  reset() {
    this.player.pause();
    super.reset();
  }

  draw(state) {
    const rows = this.#rows(state);
    const at = this.#at(state);
    const last = rows.length - 1;
    this.slider.max = last;
    this.slider.value = at;
    this.slider.disabled = last === 0;
    for (const button of [this.player.button, this.player.single]) button.disabled = last === 0;
    this.done.textContent = `${at} of ${last}`;
    this.slider.setAttribute("aria-valuetext", this.done.textContent);
    this.#drawMaps(rows[0].size, rows[at]);
    this.#drawFence(rows, at);
    this.totals.textContent = `In all ${many(rows.length, "size", "post")} and ${many(last, "convolution", "gap")}.`;
    this.#write(rows, at);
  }

  #drawMaps(side, { size, receptiveField, jump, start }) {
    const scale = SQUARE / side;
    const left = WIDTH - SQUARE; // of the second square
    const middle = (size - 1) >> 1; // the value whose field is shown
    const centre = start + middle * jump + 0.5;
    const [from, to] = [-1, 1].map((sign) => scale * Math.min(side, Math.max(0, centre + (sign * receptiveField) / 2)));
    const corner = (scale * (side - size)) / 2; // of the map, centred where the image was
    const dot = Math.max(3, scale);
    const place = corner + scale * (middle + 0.5) - dot / 2;
    const text = (x, line, words, colour) =>
      svg("text", { x, y: SQUARE + 17 * line, class: `size-label chart-${colour}`, "text-anchor": "middle" }, words);
    this.picture.replaceChildren(
      square(0, 0, SQUARE, "size-outline"),
      square(from, from, to - from, "size-field"),
      text(SQUARE / 2, 1, `image ${side}×${side}`, "ink"),
      text(SQUARE / 2, 2, `one value sees ${receptiveField}×${receptiveField}`, "orange"),
      square(left, 0, SQUARE, "size-ghost"),
      square(left + corner, corner, scale * size, "size-map"),
      square(left + place, place, dot, "size-dot"),
      text(left + SQUARE / 2, 1, `map ${size}×${size}`, "blue"),
    );
  }

  /** The posts around the place where the reader is. */
  #drawFence(rows, at) {
    const last = rows.length - 1;
    const first = Math.max(0, Math.min(at - (POSTS >> 1), last - POSTS + 1));
    const end = Math.min(last, first + POSTS - 1);
    const x = (post) => (WIDTH * (post - first + 0.5)) / POSTS;
    const text = (at, y, words, colour) =>
      svg("text", { x: at, y, class: `size-label chart-${colour}`, "text-anchor": "middle" }, words);
    const parts = [];
    for (let post = first; post <= end; post++) {
      parts.push(
        svg("rect", { class: post === at ? "size-post size-here" : "size-post", x: x(post) - 5, y: 28, ...POST }),
        text(x(post), 18, `${rows[post].size}×${rows[post].size}`, "ink"),
        text(x(post), 108, `size ${post + 1}`, "blue"),
      );
      if (post === last) continue;
      const to = post === end ? WIDTH : x(post + 1) - 10; // the last gap leads out of the picture
      const head = post === end ? "" : "m-7 -5l7 5l-7 5";
      parts.push(svg("path", { class: "size-gap", d: `M${x(post) + 10} 64H${to}${head}` }));
      if (post < end) parts.push(text((x(post) + x(post + 1)) / 2, 54, `conv ${post + 1}`, "orange"));
    }
    if (first > 0) parts.push(svg("path", { class: "size-gap", d: `M0 64H${x(first) - 10}m-7 -5l7 5l-7 5` }));
    this.fence.replaceChildren(...parts);
  }

  /** The whole chain as the package writes it, with the size where the reader is set off. */
  #write(rows, at) {
    if (this.written !== rows) {
      const sizes = rows.map(({ size }) => make("span", {}, formatChain([size])));
      this.text.replaceChildren(...sizes.flatMap((size, i) => (i ? [" > ", size] : [size])));
      this.written = rows;
      this.sizes = sizes;
    }
    this.marked?.classList.remove("size-current");
    this.marked = this.sizes[at];
    this.marked.classList.add("size-current");
    this.scroller.scrollTop = this.marked.offsetTop - this.scroller.offsetTop - this.scroller.clientHeight / 2;
  }

  describe(state) {
    const rows = this.#rows(state);
    const at = this.#at(state);
    const { size, receptiveField } = rows[at];
    if (at === 0) return `Before the first convolution: ${size}×${size} pixels. ${ending(rows, state)}`;
    const beyond = receptiveField > state.size ? ", more than the image has: the rest is padding" : "";
    const seen = `each sees ${receptiveField}×${receptiveField} pixels${beyond}`;
    return `After convolution ${at}: the map has ${size}×${size} values, and ${seen}. ${ending(rows, state)}`;
  }

  table(state) {
    return {
      head: ["convolutions", "side of the map", "side of the receptive field"],
      rows: this.#rows(state).map(({ size, receptiveField }, i) => [i, size, counted(receptiveField)]),
    };
  }
}

function square(x, y, side, name) {
  return svg("rect", { x, y, width: side, height: side, class: name });
}

function many(count, thing, picture) {
  return count === 1 ? `1 ${thing} (${picture})` : `${count} ${thing}s (${picture}s)`;
}

/** Where the chain ends, and why it ends there. */
function ending(rows, { size, kernel, stride, padding, dilation }) {
  const last = rows.length - 1;
  const end = rows[last].size;
  const convolutions = last === 1 ? "1 convolution" : `${last} convolutions`;
  if (end === 1) {
    return last === 0
      ? "Nothing is left to do: 1 size, 0 convolutions."
      : `From ${size}×${size} to 1×1 it takes ${convolutions}: ${last + 1} sizes, a convolution in each gap.`;
  }
  if (last === 0) return `No convolution fits: ${refusalAt(end, kernel, stride, padding, dilation)}.`;
  const span = dilation * (kernel - 1) + 1;
  const taken = span - 1 - 2 * padding; // by each convolution with a stride of one
  const reason =
    stride > 1
      ? `a kernel that spans ${span} pixels no longer fits`
      : taken === 2
        ? "each takes 2 pixels, so an even size stays even and never reaches 1"
        : `each takes ${taken} pixels, and ${size} − 1 is not a multiple of ${taken}`;
  return `The chain ends at ${end}×${end}, after ${convolutions}: ${reason}.`;
}

/** What the package says of a convolution that does not fit. */
function refusalAt(size, ...settings) {
  try {
    convOutputSize(size, ...settings);
  } catch (error) {
    return error.message;
  }
  throw new Error(`a chain ended at ${size}, where another convolution fits`);
}

SizeChain.define("size-chain");

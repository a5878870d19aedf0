// Kernel stack: one large kernel against a stack of 3x3 that sees as far, and where the stack stops paying.

import { compare, depthOf, evenSide, mostBetween } from "../core/kernel_stack.js";
import { seenBy, trace } from "../core/receptive_field.js";
import { Cells } from "./cells.js";
import { LineChart } from "./chart.js";
import { counted, make, makeTable, shown } from "./dom.js";
import { Widget } from "./element.js";
import { choice, flag, range, whole } from "./settings.js";

const MOST_CHANNELS = 2048;
const MOST_SIDE = 1024;
const SITUATIONS = {
  "Equal channels": { kernel: 5, inputs: 64, between: 64, outputs: 64, side: 56, padding: "same" },
  "First layer of a photo": { kernel: 5, inputs: 3, between: 64, outputs: 64, side: 224, padding: "same" },
  "A single output": { kernel: 5, inputs: 1, between: 1, outputs: 1, side: 5, padding: "none" },
};
const CURRENCIES = {
  parameters: ["numbers that are learned", "learn"],
  macs: ["multiplications for an image", "multiply"],
  kept: ["numbers kept in maps", "keep"],
};

const written = (count) => (count < 1e7 ? counted(count) : count < 1e10 ? `${shown(count / 1e6, 1)} million` : `${shown(count / 1e9, 1)} billion`);
const times = (ratio) => (ratio >= 1.995 ? `${shown(ratio, ratio < 10 ? 1 : 0)} times as many` : `${shown(Math.abs(ratio - 1) * 100, 0)} % ${ratio > 1 ? "more" : "less"}`);

class KernelStack extends Widget {
  static settings = {
    kernel: range("Large kernel", { min: 3, max: 11, step: 2, value: 5, say: (k) => `${k}×${k}` }),
    inputs: whole("Channels in", { min: 1, max: MOST_CHANNELS, value: 64 }),
    between: whole("Channels between", { min: 1, max: MOST_CHANNELS, value: 64 }),
    outputs: whole("Channels out", { min: 1, max: MOST_CHANNELS, value: 64 }),
    side: whole("Side of the image", { min: 1, max: MOST_SIDE, value: 56 }),
    padding: choice("Maps", { same: "are padded, and keep their size", none: "are not padded, and shrink" }),
    bias: flag("Biases"),
  };

  build() {
    const situation = ([label, state]) =>
      make("button", { type: "button", class: "widget-button", onclick: () => this.set(state) }, label);
    const cells = (label) => new Cells(label, { onResize: () => this.refresh() });
    this.one = { cells: cells("What one output of the large kernel sees."), caption: make("p", { class: "widget-caption" }) };
    this.stack = { cells: cells("What one output of the stack sees, layer by layer."), caption: make("p", { class: "widget-caption" }) };
    this.bySide = new LineChart({
      label: "Multiplications of the stack, relative to the large kernel, by the side of the image.",
      x: { label: "side of the image" },
      y: { label: "stack / one kernel", low: 0 },
    });
    this.byBetween = new LineChart({
      label: "Learned numbers of the stack, relative to the large kernel, by the channels between.",
      x: { label: "channels between", low: 0 },
      y: { label: "stack / one kernel", low: 0 },
    });
    this.comparison = make("div", { class: "widget-scroller stack-comparison", tabindex: 0, role: "region", "aria-label": "Comparison" });
    return [
      make("p", { class: "widget-controls" }, "Situations:", ...Object.entries(SITUATIONS).map(situation)),
      make("div", { class: "widget-row" }, ...[this.one, this.stack].map(({ cells, caption }) => make("div", {}, caption, cells.element))),
      this.comparison,
      make("div", { class: "widget-row" }, ...[this.bySide, this.byBetween].map(({ element }) => element)),
    ];
  }

  problem({ kernel, side, padding }) {
    return padding === "none" && side < kernel
      ? `Without padding, a ${kernel}×${kernel} kernel needs an image of at least ${kernel} × ${kernel} pixels, and this one has ${side} × ${side}. Take a larger image, a smaller kernel, or padding.`
      : "";
  }

  #choice({ kernel, inputs, between, outputs, side, padding, bias }) {
    return { kernel, channels: [inputs, between, outputs], side, padded: padding === "same", bias };
  }

  draw(state) {
    const depth = depthOf(state.kernel);
    this.#drawField(this.one, [{ kernel: state.kernel }], `One ${state.kernel}×${state.kernel}`);
    this.#drawField(this.stack, Array(depth).fill({ kernel: 3 }), depth === 1 ? "One 3×3" : `A stack of ${depth} layers of 3×3`);
    this.comparison.replaceChildren(makeTable(this.table(state)));
    this.#drawBySide(state);
    this.#drawByBetween(state);
  }

  /** The pyramid of one output: the pixels that it sees, and what lies between. */
  #drawField({ cells, caption }, layers, name) {
    const size = layers.reduce((sum, { kernel }) => sum + kernel - 1, 1);
    const rows = trace(layers, size).map((row) => ({ ...row, padding: [0, 0] }));
    rows.forEach((row, i) => (row.name = i === 0 ? "pixels" : i === layers.length ? "output" : `map ${i}`));
    rows.at(-1).marked = new Set([0]);
    for (let i = layers.length; i > 0; i--) rows[i - 1].marked = seenBy(rows[i].marked, layers[i - 1], rows[i - 1].size);
    caption.textContent = `${name}: one output sees ${size}×${size} pixels`;
    cells.draw(rows, [layers.length, 0], this.colours);
  }

  #drawBySide(state) {
    const choice = this.#choice(state);
    const least = choice.padded ? 1 : state.kernel;
    const most = Math.min(MOST_SIDE, Math.max(2 * state.side, 4 * state.kernel));
    const sides = Array.from({ length: 60 }, (_, i) => Math.round(least + ((most - least) * i) / 59));
    this.#drawRatios(this.bySide, sides, state.side, (side) => compare({ ...choice, side }), [["macs", "multiplications", "orange"]]);
  }

  #drawByBetween(state) {
    const choice = this.#choice(state);
    const most = Math.max(2 * state.between, 8);
    const counts = Array.from({ length: 60 }, (_, i) => Math.max(1, Math.round((most * i) / 59)));
    const at = (between) => compare({ ...choice, channels: [state.inputs, between, state.outputs] });
    this.#drawRatios(this.byBetween, counts, state.between, at, [
      ["parameters", "learned numbers", "blue"],
      ["macs", "multiplications", "orange"],
    ]);
  }

  #drawRatios(chart, places, here, compared, lines) {
    const ratio = (place, what) => compared(place).stack[what] / compared(place).one[what];
    chart.draw([
      { colour: "ink", dashed: true, name: "equal", points: [[places[0], 1], [places.at(-1), 1]] },
      ...lines.flatMap(([what, name, colour]) => [
        { colour, name, points: places.map((place) => [place, ratio(place, what)]) },
        { colour, dots: true, points: [[here, ratio(here, what)]] },
      ]),
    ]);
  }

  describe(state) {
    const choice = this.#choice(state);
    const depth = depthOf(state.kernel);
    if (depth === 1) return "A stack of one 3×3 is the 3×3 itself: there is nothing to save. Take a larger kernel.";
    const { one, stack } = compare(choice);
    const verdicts = Object.entries(CURRENCIES).map(([what, [name]]) => verdict(name, stack[what] / one[what]));
    return `Against one ${state.kernel}×${state.kernel}, the stack of ${depth} has ${verdicts.join(", ")}. ${this.#why(choice)}`;
  }

  /** Where the stack stops paying, and for what reason. */
  #why(choice) {
    const [inputs, between, outputs] = choice.channels;
    const most = mostBetween({ ...choice, bias: false }, "macs");
    const side = evenSide(choice);
    if (!choice.padded && side > choice.kernel && Number.isFinite(side)) {
      const now = choice.side < side ? "here few outputs share what lies between" : "here enough outputs share what lies between";
      return `Without padding it multiplies less or as often from side ${counted(side)} on: ${now}.`;
    }
    if (between > most) {
      const few = most < 1 ? "already one channel between is too many" : `it pays with at most ${counted(most)} channels between`;
      return `From ${counted(inputs)} to ${counted(outputs)} channels ${few}: each further 3×3 reads all ${counted(between)} of them.`;
    }
    return `It multiplies less as long as there are at most ${counted(most)} channels between; it always keeps more maps, as there are more layers.`;
  }

  table(state) {
    const depth = depthOf(state.kernel);
    const { one, stack } = compare(this.#choice(state));
    const winner = (a, b) => (a === b ? "equal" : a < b ? `one ${state.kernel}×${state.kernel}` : "stack");
    return {
      head: ["", `one ${state.kernel}×${state.kernel}`, `${depth} of 3×3`, "stack / one", "less"],
      rows: [
        ...Object.entries(CURRENCIES).map(([what, [name]]) => [
          name, written(one[what]), written(stack[what]), shown(stack[what] / one[what], 3), winner(one[what], stack[what]),
        ]),
        ["places for a nonlinearity", 1, depth, shown(depth, 3), "-"],
        ["pixels seen, along an axis", state.kernel, 2 * depth + 1, 1, "equal"],
      ],
    };
  }
}

function verdict(name, ratio) {
  return ratio === 1 ? `equally many ${name}` : `${times(ratio)} ${name}`;
}

KernelStack.define("kernel-stack");

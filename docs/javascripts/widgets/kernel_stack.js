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
const POINTS = 60; // of a line in the chart
const SITUATIONS = {
  "Equal channels": { kernel: 5, inputs: 64, between: 64, outputs: 64, side: 56, padding: "same", against: "between" },
  "First layer of a photo": { kernel: 5, inputs: 3, between: 64, outputs: 64, side: 224, padding: "same", against: "between" },
  "A single output": { kernel: 5, inputs: 1, between: 1, outputs: 1, side: 5, padding: "none", against: "side" },
};
const AGAINST = { between: "channels between", side: "side of the image" };

const written = (count) => (count < 1e9 ? counted(count) : `${shown(count / 1e9, 2)} billion`);
const names = ({ bias }) => ({
  parameters: bias ? "weights and biases" : "weights",
  macs: "multiplications",
  kept: "numbers in its maps",
});

/** How many of something the stack has, relative to the one kernel. */
function amount(ratio, name) {
  if (ratio === 1) return `as many ${name}`;
  if (ratio === 2) return `twice as many ${name}`;
  if (ratio > 2) return `${shown(ratio, ratio < 10 ? 1 : 0)} times as many ${name}`;
  return `${shown(Math.abs(ratio - 1) * 100, Math.abs(ratio - 1) < 0.01 ? 1 : 0)} % ${ratio < 1 ? "fewer" : "more"} ${name}`;
}

class KernelStack extends Widget {
  static settings = {
    kernel: range("Large kernel", { min: 3, max: 11, step: 2, value: 5, say: (k) => `${k}×${k}` }),
    inputs: whole("Channels in", { min: 1, max: MOST_CHANNELS, value: 64 }),
    between: whole("Channels between", { min: 1, max: MOST_CHANNELS, value: 64 }),
    outputs: whole("Channels out", { min: 1, max: MOST_CHANNELS, value: 64 }),
    side: whole("Side of the image", { min: 1, max: MOST_SIDE, value: 56 }),
    padding: choice("Maps", { same: "are padded, and keep their size", none: "are not padded, and shrink" }),
    bias: flag("Biases"),
    against: choice("Drawn against", AGAINST),
  };

  build() {
    const situation = ([label, state]) =>
      make("button", { type: "button", class: "widget-button", onclick: () => this.set(state) }, label);
    const cells = (label) => new Cells(label, { onResize: () => this.refresh() });
    this.one = { cells: cells("What one output of the large kernel sees."), caption: make("p", { class: "widget-caption" }) };
    this.stack = {
      cells: cells("What one output of the stack sees, layer by layer."),
      caption: make("p", { class: "widget-caption" }),
    };
    this.chart = new LineChart({
      label: "Weights and multiplications of the stack, relative to those of the large kernel.",
      x: {},
      y: { label: "stack / one kernel", low: 0 },
      width: 400,
      height: 240,
    });
    this.comparison = make("div", { class: "widget-scroller", tabindex: 0, role: "region", "aria-label": "Comparison" });
    return [
      make("p", { class: "widget-controls" }, "Situations:", ...Object.entries(SITUATIONS).map(situation)),
      make(
        "div",
        { class: "widget-row" },
        ...[this.one, this.stack].map(({ cells, caption }) => make("div", {}, caption, cells.element)),
      ),
      make("div", { class: "widget-row stack-numbers" }, this.comparison, this.chart.element),
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
    this.#drawField(this.stack, Array(depth).fill({ kernel: 3 }), depth === 1 ? "One 3×3" : `${depth} layers of 3×3`);
    this.comparison.replaceChildren(makeTable(this.#comparison(state)));
    this.#drawChart(state);
  }

  /** The pyramid of one output: the pixels that it sees, and what is between. */
  #drawField({ cells, caption }, layers, name) {
    const size = layers.reduce((sum, { kernel }) => sum + kernel - 1, 1);
    const rows = trace(layers, size).map((row) => ({ ...row, padding: [0, 0] }));
    rows.forEach((row, i) => (row.name = i === 0 ? "pixels" : i === layers.length ? "output" : `map ${i}`));
    rows.at(-1).marked = new Set([0]);
    for (let i = layers.length; i > 0; i--) rows[i - 1].marked = seenBy(rows[i].marked, layers[i - 1], rows[i - 1].size);
    caption.textContent = `${name}: one output sees ${size}×${size} pixels`;
    cells.draw(rows, [layers.length, 0], this.colours);
  }

  /** Both ratios, at places of what is drawn against: { places, least, furthest, ratio(place, what) }. */
  #ratios(state, points) {
    const choice = this.#choice(state);
    const bySide = state.against === "side";
    const even = bySide ? evenSide(choice) : mostBetween(choice, "macs");
    const least = bySide && !choice.padded ? state.kernel : 1;
    const furthest = Math.max(2 * state[state.against], Number.isFinite(even) ? 2 * even : 0, least + 8);
    const step = Math.max(1, (furthest - least) / (points - 1));
    const places = Array.from({ length: Math.floor((furthest - least) / step + 1e-9) + 1 }, (_, i) =>
      Math.round(least + i * step),
    );
    const ratio = (place, what) => {
      const { one, stack } = compare(
        bySide ? { ...choice, side: place } : { ...choice, channels: choice.channels.with(1, place) },
      );
      return stack[what] / one[what];
    };
    return { places, ratio };
  }

  #drawChart(state) {
    const { places, ratio } = this.#ratios(state, POINTS);
    const here = state[state.against];
    const line = (what, colour, dashed) => [
      { name: names(state)[what], colour, dashed, points: places.map((place) => [place, ratio(place, what)]) },
      { colour, dots: true, points: [[here, ratio(here, what)]] },
    ];
    this.chart.x.label = AGAINST[state.against];
    this.chart.draw([
      {
        name: "equal",
        colour: "quiet",
        points: [
          [places[0], 1],
          [places.at(-1), 1],
        ],
      },
      ...line("macs", "orange"),
      ...line("parameters", "blue", true),
    ]);
  }

  describe(state) {
    const choice = this.#choice(state);
    const depth = depthOf(state.kernel);
    if (depth === 1) return "A stack of one 3×3 is the 3×3 itself: there is nothing to save. Take a larger kernel.";
    const { one, stack } = compare(choice);
    const [weights, macs, kept] = Object.entries(names(state)).map(([what, name]) => amount(stack[what] / one[what], name));
    return (
      `Against one ${state.kernel}×${state.kernel}, the stack of ${depth} layers of 3×3 has ${weights}, makes ${macs} and keeps ${kept}. ` +
      this.#why(choice)
    );
  }

  /** Where the stack stops paying in multiplications, and for what reason. */
  #why(choice) {
    const {
      kernel,
      side,
      padded,
      channels: [inputs, between],
    } = choice;
    const even = evenSide(choice);
    if (!padded && even > kernel && Number.isFinite(even)) {
      const shared = side < even ? "in this one, too few" : "in this one, enough";
      return `Without padding it takes an image of side ${counted(even)} or more to be as cheap in multiplications: ${shared} outputs share what is computed between.`;
    }
    const most = mostBetween(choice, "macs");
    if (between <= most)
      return `With more than ${counted(most)} channels between it would multiply more, as each further layer reads all of them.`;
    const remedy = most ? `It would pay with at most ${counted(most)} channels between` : "Even one channel between is too many";
    return `${remedy}: each further layer reads all ${counted(between)} of them, where the one kernel reads only the ${counted(inputs)} that come in.`;
  }

  /** The points of the chart, fewer of them. */
  table(state) {
    const { places, ratio } = this.#ratios(state, 12);
    const all = [...new Set([...places, state[state.against]])].sort((a, b) => a - b);
    const { parameters, macs } = names(state);
    return {
      head: [AGAINST[state.against], `${parameters}, stack / one`, `${macs}, stack / one`],
      rows: all.map((place) => [place, shown(ratio(place, "parameters"), 3), shown(ratio(place, "macs"), 3)]),
    };
  }

  #comparison(state) {
    const depth = depthOf(state.kernel);
    const { one, stack } = compare(this.#choice(state));
    const cheaper = (a, b) => (a === b ? "equal" : a < b ? `one ${state.kernel}×${state.kernel}` : "stack");
    return {
      head: ["", `one ${state.kernel}×${state.kernel}`, `${depth} × 3×3`, "ratio", "cheaper"],
      rows: [
        ...Object.entries(names(state)).map(([what, name]) => [
          name.replace("its ", ""),
          written(one[what]),
          written(stack[what]),
          shown(stack[what] / one[what], 3),
          cheaper(one[what], stack[what]),
        ]),
        ["nonlinearities", 1, depth, depth, ""],
        ["pixels seen", `${state.kernel}×${state.kernel}`, `${2 * depth + 1}×${2 * depth + 1}`, 1, ""],
      ],
    };
  }
}

KernelStack.define("kernel-stack");

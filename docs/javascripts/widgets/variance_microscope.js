// Variance microscope: what a scale of the weights does to the outputs and the gradients of every layer.

import { ACTIVATIONS } from "../core/activations.js";
import { fans, normal, uniform, VARIANCES } from "../core/initializers.js";
import { Random } from "../core/random.js";
import { expected, meanSquare, SAMPLES, signalAndGradient } from "../core/signal.js";
import { LineChart, svg } from "./chart.js";
import { make, shown } from "./dom.js";
import { Widget } from "./element.js";
import { Measured } from "./pieces.js";
import { choice, range, stepped, whole } from "./settings.js";

const LAYERS_SHOWN = 6;
const BARS = 21; // odd: zero is in the middle of one
const RANGES = { linear: [-3, 3], relu: [0, 3], tanh: [-1, 1], sigmoid: [0, 1] }; // of the histograms of outputs
const RANGE_OF_GRADIENTS = [-3, 3];
const BEYOND = "; the outer bars hold all beyond";
const SATURATED = 0.02; // a slope below this share of the steepest
const FIXED = { one: 1, hundredth: 0.01 ** 2 }; // variances that no layer is asked about

const BOUNDED = ["tanh", "sigmoid"];
const FATES = { [-2]: "vanish", [-1]: "fade", 0: "stay level", 1: "grow", 2: "explode" };
const FATES_OF_ONE = { [-2]: "vanishes", [-1]: "fades", 0: "stays level", 1: "grows", 2: "explodes" };

/** What becomes of a mean square that started at 1: below zero if it gets small, above if it gets large. */
const fate = (square) => (square < 1e-3 ? -2 : square < 0.1 ? -1 : square > 1e3 ? 2 : square > 10 ? 1 : 0);

const percent = (share) => `${shown(100 * share, 0)}\u00a0%`;

class VarianceMicroscope extends Widget {
  static settings = {
    activation: choice("Activation", { relu: "ReLU", linear: "none (linear)", tanh: "tanh", sigmoid: "sigmoid" }),
    scheme: choice("Variance of a weight", {
      he: "He: 2 / n",
      xavier: "Xavier: 2 / (n + n)",
      lecun: "LeCun: 1 / n",
      pytorch: "PyTorch's default: 1 / (3n), uniform",
      one: "1, whatever the width",
      hundredth: "0.01², whatever the width",
    }),
    times: stepped("Weights times", [0.25, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 4], { value: 1 }),
    width: stepped("Width n", [16, 32, 64, 128, 256], { value: 128 }),
    depth: range("Layers", { min: 1, max: 50, value: 50 }),
    seed: whole("Seed", { max: 9999, value: 1 }),
  };

  measured = new Measured(this, (state) => this.#measure(state));

  build() {
    this.chart = new LineChart({
      label: "Mean square of outputs and gradients by layer, as found and as expected; the numbers are in the table.",
      x: { label: "layer", low: 0 },
      y: { label: "mean square", log: true },
      height: 220,
    });
    this.outputs = make("div", { class: "variance-histograms chart-blue" });
    this.gradients = make("div", { class: "variance-histograms chart-orange" });
    this.outputsCaption = make("p", { class: "widget-caption" });
    return [
      this.chart.element,
      this.outputsCaption,
      this.outputs,
      make("p", { class: "widget-caption" }, `Gradients in the same layers, ${between(RANGE_OF_GRADIENTS)}${BEYOND}`),
      this.gradients,
    ];
  }

  draw(state) {
    const found = this.measured.follow(state);
    if (this.drawn === found) return;
    this.drawn = found;
    this.#drawCurves(found);
    this.#drawHistograms(found);
  }

  #drawCurves({ signal, gradient, theory }) {
    const points = (values) => values.map((value, layer) => [layer, value]);
    const drawn = [...signal, ...gradient, ...theory.signal, ...theory.gradient].filter((value) => value > 0);
    this.chart.y.low = Math.min(1e-3, ...drawn); // at least so far that what is level looks level
    this.chart.y.high = Math.max(1e3, ...drawn);
    this.chart.draw([
      { colour: "blue", points: points(signal), name: "outputs" },
      { colour: "orange", points: points(gradient), name: "gradients, which come from the right" },
      { colour: "blue", dashed: true, points: points(theory.signal) },
      { colour: "orange", dashed: true, points: points(theory.gradient) },
      { colour: "ink", dashed: true, points: [], name: "what theory expects" },
    ]);
  }

  #drawHistograms({ state: { activation, depth }, outputs, gradients, zero }) {
    const relu = activation === "relu";
    const beyond = relu ? "; the last bar holds all beyond, zeros are not drawn" : BOUNDED.includes(activation) ? "" : BEYOND;
    this.outputsCaption.textContent = `Outputs, ${between(RANGES[activation])}${beyond}`;
    const panel = (values, range, words) =>
      make("div", {}, histogram(values, range), make("p", { class: "widget-caption" }, words));
    const layers = spreadOver(depth);
    const zeros = (layer) => (relu ? `, ${percent(zero[layer])} zero` : "");
    this.outputs.replaceChildren(
      ...layers.map((layer) => panel(outputs[layer], RANGES[activation], `layer ${layer}${zeros(layer)}`)),
    );
    this.gradients.replaceChildren(...layers.map((layer) => panel(gradients[layer], RANGE_OF_GRADIENTS, `layer ${layer}`)));
  }

  describe() {
    const { gradient } = this.measured.found;
    const [start, end] = [shown(gradient.at(-1)), shown(gradient[0])];
    const link = this.#full && fate(gradient[0]) > 0 ? "Yet the gradient" : "The gradient";
    const back = `${link} ${FATES_OF_ONE[fate(gradient[0])]} on its way back, from ${start} to ${end}.`;
    return `${this.#outputs()} ${back} ${this.#reason()}`;
  }

  /** Are most units saturated at the end? */
  get #full() {
    return this.measured.found.saturated.at(-1) > 0.5;
  }

  #outputs() {
    const { state, signal, saturated } = this.measured.found;
    const [start, end] = [shown(signal[0]), shown(signal.at(-1))];
    const sigmoid = state.activation === "sigmoid";
    if (this.#full) {
      const most = `${percent(saturated.at(-1))} of the units`;
      return `The outputs saturate: at the end, ${most} sit where ${sigmoid ? "the sigmoid" : "tanh"} is flat.`;
    }
    if (sigmoid) return `The outputs cannot leave 0 to 1: their mean square goes from ${start} to ${end}.`;
    const layers = state.depth === 1 ? "one layer" : `${state.depth} layers`;
    return `Through ${layers} the outputs ${FATES[fate(signal.at(-1))]}: their mean square goes from ${start} to ${end}.`;
  }

  /** Why, in a sentence. */
  #reason() {
    const { state, signal, gradient, theory, factor } = this.measured.found;
    const { activation, width, depth } = state;
    if (signal.at(-1) === 0) return "A whole layer is dead: none of its units lets anything through, for any input.";
    if (!BOUNDED.includes(activation)) {
      const strays = fate(signal.at(-1) / theory.signal.at(-1)) || fate(gradient[0] / theory.gradient[0]);
      const rule = activation === "relu" ? "n · variance / 2" : "n · variance";
      const draw = strays ? `; this one draw, ${width} units wide, ends far from what that gives` : "";
      return `On average over draws, each layer multiplies both by ${rule} = ${shown(factor)}${draw}.`;
    }
    const back = shown(theory.gradient[0] ** (1 / depth));
    if (this.#full && fate(gradient[0]) > 0) {
      const rest = `the large weights make up for the rest: about ${back} times a layer`;
      return `The few units that are not flat pass it on, and ${rest}.`;
    }
    if (activation === "sigmoid" && fate(gradient[0]) < 0)
      return `The slope of the sigmoid is at most a quarter: a layer leaves about ${back} of the gradient's mean square.`;
    return `A layer multiplies it by about ${back}.`;
  }

  table() {
    const { state, signal, gradient, theory, saturated, zero } = this.measured.found;
    const relu = state.activation === "relu";
    const share = relu ? ["exactly 0", zero] : BOUNDED.includes(state.activation) ? ["saturated", saturated] : null;
    return {
      head: [
        ...["layer", "mean square of outputs", "expected", "mean square of gradients", "expected"],
        ...(share ? [share[0]] : []),
      ],
      rows: signal.map((value, layer) => [
        layer,
        ...[value, theory.signal[layer], gradient[layer], theory.gradient[layer]].map((number) => shown(number, 4)),
        ...(share ? [percent(share[1][layer])] : []),
      ]),
    };
  }

  /** A generator that returns all that is drawn and said of a state. */
  *#measure(state) {
    const { activation, scheme, width, depth } = state;
    const variance = (FIXED[scheme] ?? VARIANCES[scheme](...fans([width, width]))) * state.times ** 2;
    const draws = yield* this.#draws(state);
    const { sums, outputs, gradients } = yield* signalAndGradient({
      ...draws,
      activation,
      weights: draws.weights.slice(0, depth),
      scale: Math.sqrt(variance),
      width,
    });
    const { slope } = ACTIVATIONS[activation];
    const bounded = BOUNDED.includes(activation);
    return {
      state,
      outputs,
      gradients,
      signal: outputs.map(meanSquare),
      gradient: gradients.map(meanSquare),
      theory: expected({ activation, variance, width, depth }),
      factor: (width * variance) / (activation === "relu" ? 2 : 1),
      saturated: bounded ? [0, ...sums.map((layer) => share(layer, (z) => slope(z) < SATURATED * slope(0)))] : [0],
      zero: outputs.map((layer) => share(layer, (y) => y === 0)),
    };
  }

  /**
   * Input, last gradient and weights of variance 1, kept while only their scale changes; deeper networks go on where
   * others end.
   */
  *#draws({ seed, width, scheme, depth }) {
    const draw = scheme === "pytorch" ? uniform : normal;
    const key = [seed, width, draw.name].join();
    if (this.kept?.key !== key) {
      const random = new Random(seed);
      const rows = () => Float64Array.from({ length: SAMPLES * width }, () => random.normal());
      this.kept = { key, random, input: rows(), last: rows(), weights: [] };
    }
    const { random, weights } = this.kept;
    while (weights.length < depth) {
      weights.push(new Float32Array(draw([width, width], 1, random)));
      yield;
    }
    return this.kept;
  }
}

function between([low, high]) {
  return `from ${shown(low)} to ${shown(high)}`;
}

/** At most six layers, evenly spread, with the first and the last. */
function spreadOver(depth) {
  const last = Math.min(LAYERS_SHOWN, depth) - 1;
  return Array.from({ length: last + 1 }, (_, i) => Math.max(i + 1, Math.round((i * depth) / Math.max(1, last))));
}

/** Bars for what is not zero; the outermost hold all that is beyond the range. */
function histogram(values, [low, high]) {
  const counts = new Uint32Array(BARS);
  for (let i = 0; i < values.length; i++) {
    const bar = Math.floor(((values[i] - low) / (high - low)) * BARS);
    if (values[i] !== 0) counts[Math.min(BARS - 1, Math.max(0, bar))]++;
  }
  const most = Math.max(1, ...counts);
  let path = "M0 40";
  counts.forEach((count, bar) => (path += `V${(40 - (40 * count) / most).toFixed(1)}H${bar + 1}`));
  return svg(
    "svg",
    { viewBox: `0 0 ${BARS} 40`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { class: "variance-bars", d: `${path}V40Z` }),
  );
}

function share(values, holds) {
  let count = 0;
  for (let i = 0; i < values.length; i++) count += holds(values[i]);
  return count / values.length;
}

VarianceMicroscope.define("variance-microscope");

// Optimiser stepper: six rules walk down a landscape of two weights, one step at a time with all that they compute, or
// in a race.

import { AdaGrad, Adam, RMSProp, SGD } from "../core/optimizers.js";
import { contours, meanHeight, SURFACES, walk } from "../core/surfaces.js";
import { LineChart, svg } from "./chart.js";
import { make, makeTable, shown } from "./dom.js";
import { Widget } from "./element.js";
import { Player } from "./player.js";
import { choice, hidden, range, stepped } from "./settings.js";

const LAST = 60; // steps of a walk
const [WIDTH, HEIGHT] = [480, 320]; // of the picture
const LEVELS = 9;
const ARROW = 46; // length of the arrow downhill, which shows a direction only
const STEPS = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

const RATES = [0.001, 0.01, 0.1, 1]
  .flatMap((decade) => [1, 1.1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => Number((decade * digit).toPrecision(2))))
  .filter((rate) => rate <= 3);

const PLACES = {
  valley: "in the valley",
  saddle: "on the saddle",
  plateau: "on the plateau",
  parabola: "on the parabola",
};

// How each rule is made, and what it computes on the way from the gradient to the step: [name, formula, name in
// core/optimizers.js].
const RULES = {
  sgd: {
    name: "SGD",
    colour: "ink",
    dashed: true,
    make: (lr) => new SGD({ lr }),
    lines: () => [],
    step: (lr) => `${lr}·g`,
  },
  momentum: {
    name: "momentum",
    colour: "orange",
    make: (lr, { momentum }) => new SGD({ lr, momentum }),
    lines: ({ momentum }) => [["v", `${momentum}·v + g`, "velocity"]],
    step: (lr) => `${lr}·v`,
  },
  nesterov: {
    name: "Nesterov",
    colour: "orange",
    dashed: true,
    make: (lr, { momentum }) => new SGD({ lr, momentum, nesterov: true }),
    lines: ({ momentum }) => [["v", `${momentum}·v + g`, "velocity"]],
    step: (lr, { momentum }) => `${lr}·(g + ${momentum}·v)`,
  },
  adagrad: {
    name: "AdaGrad",
    colour: "green",
    make: (lr) => new AdaGrad({ lr }),
    lines: () => [["s", "s + g²", "squares"]],
    step: (lr) => `${lr}·g / √s`,
  },
  rmsprop: {
    name: "RMSProp",
    colour: "purple",
    dashed: true,
    make: (lr, { alpha }) => new RMSProp({ lr, alpha }),
    lines: ({ alpha }) => [["s", `${alpha}·s + ${shown(1 - alpha, 4)}·g²`, "squares"]],
    step: (lr) => `${lr}·g / √s`,
  },
  adam: {
    name: "Adam",
    colour: "blue",
    make: (lr, { beta1, beta2 }) => new Adam({ lr, betas: [beta1, beta2] }),
    lines: ({ beta1, beta2 }, step) => [
      ["m", `${beta1}·m + ${shown(1 - beta1, 4)}·g`, "mean"],
      ["s", `${beta2}·s + ${shown(1 - beta2, 4)}·g²`, "squares"],
      ["m̂", `m / ${shown(1 - beta1 ** step, 4)}`, "correctedMean"],
      ["ŝ", `s / ${shown(1 - beta2 ** step, 4)}`, "correctedSquares"],
    ],
    step: (lr) => `${lr}·m̂ / √ŝ`,
  },
};

/** Which controls have a meaning: not all of them for every rule. */
const NEEDED = {
  rates: ({ rule }) => rule === "all",
  lr: ({ rule, rates }) => rule !== "all" || rates === "same",
  momentum: ({ rule }) => ["momentum", "nesterov"].includes(rule),
  alpha: ({ rule }) => rule === "rmsprop",
  beta1: ({ rule }) => rule === "adam",
  beta2: ({ rule }) => rule === "adam",
};

function readStart(text) {
  if (text === "own") return null;
  const numbers = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  return numbers.length === 2 && numbers.every((number) => Math.abs(number) <= 6) ? numbers : undefined;
}

class OptimizerStepper extends Widget {
  static settings = {
    surface: choice("Landscape", { valley: "valley", saddle: "saddle", plateau: "plateau", parabola: "parabola" }),
    rule: choice("Rule", {
      ...Object.fromEntries(Object.entries(RULES).map(([key, { name }]) => [key, name])),
      all: "all six, in a race",
    }),
    rates: choice("Learning rates", { same: "the same for all", best: "for each its best" }),
    lr: stepped("Learning rate", RATES, { value: 0.09 }),
    momentum: stepped("Momentum μ", [0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99], { value: 0.9 }),
    alpha: stepped("α", [0.5, 0.7, 0.9, 0.95, 0.99, 0.999], { value: 0.9 }),
    beta1: stepped("β₁", [0, 0.5, 0.8, 0.9, 0.95, 0.99], { value: 0.9 }),
    beta2: stepped("β₂", [0.5, 0.9, 0.99, 0.999], { value: 0.999 }),
    step: range("Step", { min: 0, max: LAST, value: 12 }),
    start: hidden("Start", {
      value: null, // the surface's own
      read: readStart,
      write: (start) => start?.join(",") ?? "own",
      range: "own, or two numbers between −6 and 6, as in -4,1.2",
    }),
  };

  build() {
    this.player = new Player({ step: () => this.#step(), interval: 150 });
    const takeBest = { type: "button", class: "widget-button", onclick: () => this.#takeBest() };
    this.best = make("span", { class: "widget-control" }, make("button", takeBest, "Its best here"));
    this.#control("lr").after(this.best);
    this.controls.append(this.player.element);
    this.picture = svg("svg", {
      class: "chart optimizer-picture",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "application",
      "aria-roledescription": "landscape in which the arrow keys move the start",
      "aria-label": "The landscape from above, with lines of equal loss and the walk.",
      tabindex: 0,
    });
    this.ground = svg("g", {});
    this.walked = svg("g");
    this.picture.append(this.ground, this.walked);
    this.#listen();
    const region = { class: "widget-scroller", tabindex: 0, role: "region", "aria-label": "What is computed" };
    this.values = make("div", region);
    this.chart = new LineChart({
      label: "The loss over the steps, one line for each rule",
      x: { label: "step", low: 0, high: LAST },
      y: { label: "loss", log: true, low: 1e-6 },
    });
    const hint = "Lines of equal loss, from above. Point, drag, or use the arrow keys to move the start.";
    return [
      make(
        "div",
        { class: "widget-row" },
        make("div", {}, make("p", { class: "widget-caption" }, hint), this.picture),
        make("div", {}, this.values, this.chart.element),
      ),
    ];
  }

  #control(name) {
    return this.controls.querySelector(`[data-setting=${name}]`);
  }

  #listen() {
    const point = (event) => {
      const box = this.picture.getBoundingClientRect();
      const { right, top } = this.#frame(this.state);
      this.#moveStart([
        right * ((2 * (event.clientX - box.left)) / box.width - 1),
        top * (1 - (2 * (event.clientY - box.top)) / box.height),
      ]);
    };
    this.picture.addEventListener("pointerdown", (event) => {
      this.picture.setPointerCapture(event.pointerId);
      point(event);
    });
    this.picture.addEventListener("pointermove", (event) => event.buttons && point(event));
    this.picture.addEventListener("keydown", (event) => {
      const direction = STEPS[event.key];
      if (!direction || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const far = this.#frame(this.state).right / (event.shiftKey ? 10 : 50);
      this.#moveStart(this.#start(this.state).map((at, axis) => at + far * direction[axis]));
    });
  }

  #moveStart(to) {
    this.set({ start: this.#inside(to, this.state).map((at) => Number(at.toFixed(2))) });
  }

  #frame({ surface }) {
    const right = SURFACES[surface].reach;
    return { right, top: (right * HEIGHT) / WIDTH };
  }

  #inside([x, y], state) {
    const { right, top } = this.#frame(state);
    return [Math.min(right, Math.max(-right, x)), Math.min(top, Math.max(-top, y))];
  }

  #start(state) {
    return this.#inside(state.start ?? SURFACES[state.surface].start, state);
  }

  #step() {
    this.set({ step: this.state.step < LAST ? this.state.step + 1 : 1 });
    return this.state.step < LAST;
  }

  reset() {
    this.player.pause();
    super.reset();
  }

  /** The rate, of all that can be chosen, with the lowest mean loss over a whole walk. */
  #bestRate(rule, state) {
    const [surface, start] = [SURFACES[state.surface], this.#start(state)];
    const means = RATES.map((lr) => meanHeight(surface, start, RULES[rule].make(lr, state), LAST));
    return RATES[means.indexOf(Math.min(...means))];
  }

  #takeBest() {
    this.set({ lr: this.#bestRate(this.state.rule, this.state) });
  }

  /** The walks that are seen, [{ rule, lr, places, left, back }], with all their steps, shown or not. */
  #walks(state) {
    const key = JSON.stringify({ ...state, step: 0 });
    if (this.key === key) return this.walks;
    const rules = state.rule === "all" ? Object.keys(RULES) : [state.rule];
    this.key = key;
    this.walks = rules.map((rule) => {
      const lr = state.rule === "all" && state.rates === "best" ? this.#bestRate(rule, state) : state.lr;
      const places = walk(SURFACES[state.surface], this.#start(state), RULES[rule].make(lr, state), LAST);
      const out = places.map(({ at }) => this.#inside(at, state).some((inside, axis) => inside !== at[axis]));
      return { rule, lr, places, left: out.indexOf(true), back: out.at(-1) ? -1 : out.lastIndexOf(true) + 1 };
    });
    return this.walks;
  }

  draw(state) {
    for (const [name, needed] of Object.entries(NEEDED)) this.#control(name).hidden = !needed(state);
    this.best.hidden = state.rule === "all";
    if (this.surface !== state.surface) this.#drawGround(state);
    this.surface = state.surface;
    const walks = this.#walks(state);
    const alone = state.rule !== "all";
    this.walked.replaceChildren(...walks.flatMap((one) => this.#drawWalk(one, state)), ...this.#drawStart(state));
    this.chart.element.hidden = alone;
    if (!alone) this.#drawChart(walks, state);
    this.values.replaceChildren(makeTable(alone ? this.#computed(walks[0], state) : this.#standings(walks, state)));
  }

  /** From a place on the surface to one in the picture; far away is far enough. */
  #put([x, y], state) {
    const { right, top } = this.#frame(state);
    const far = (number) => Math.min(1e4, Math.max(-1e4, number)).toFixed(1);
    return [far((WIDTH / 2) * (1 + x / right)), far((HEIGHT / 2) * (1 - y / top))];
  }

  #drawGround(state) {
    const { height, minima } = SURFACES[state.surface];
    const { right, top } = this.#frame(state);
    const highest = Math.max(height(right, top), height(right, 0), height(0, 0));
    const levels = Array.from({ length: LEVELS }, (_, i) => highest * ((i + 0.5) / LEVELS) ** 2);
    const lines = contours(height, right, top, levels, 60, 90).map((pieces) => {
      const d = pieces.map(([x1, y1, x2, y2]) => `M${this.#put([x1, y1], state)}L${this.#put([x2, y2], state)}`);
      return svg("path", { class: "optimizer-contour", d: d.join("") });
    });
    const marks = minima.map((at) => {
      const [x, y] = this.#put(at, state);
      return svg("path", { class: "optimizer-minimum", d: `M${x - 6} ${y}h12m-6 -6v12` });
    });
    this.ground.replaceChildren(...lines, ...marks);
  }

  #drawWalk({ rule, places }, state) {
    const { colour, dashed } = RULES[rule];
    const points = places.slice(0, state.step + 1).map(({ at }) => this.#put(at, state));
    const alone = state.rule !== "all";
    const now = points.at(-1);
    const dots = alone ? points : [now];
    return [
      svg(
        "g",
        { class: `chart-${alone ? "blue" : colour}${dashed && !alone ? " chart-dashed" : ""}` },
        svg("path", { class: "chart-line", d: `M${points.join("L")}` }),
        ...dots.map(([cx, cy]) => svg("circle", { class: "chart-dot", cx, cy, r: 2.5 })),
        svg("circle", { class: "chart-dot", cx: now[0], cy: now[1], r: 5 }),
      ),
      ...(alone && points.length > 1 ? [this.#drawDownhill(places[points.length - 1], points.at(-2))] : []),
    ];
  }

  /** An arrow from where the last step began, straight downhill. */
  #drawDownhill({ gradient: [x, y] }, [fromX, fromY]) {
    const length = Math.hypot(x, y);
    const angle = (Math.atan2(y, -x) * 180) / Math.PI; // downwards on the screen is positive
    const arrow = svg("path", { class: "chart-line", d: `M0 0H${ARROW}m-7 -4l7 4l-7 4` });
    const label = svg("text", { x: ARROW + 6, y: 4, transform: `rotate(${-angle} ${ARROW + 10} 0)` }, "−g");
    return svg(
      "g",
      { class: "chart-orange optimizer-downhill", transform: `translate(${fromX} ${fromY}) rotate(${angle})` },
      ...(length > 0 ? [arrow, label] : []),
    );
  }

  #drawStart(state) {
    const [cx, cy] = this.#put(this.#start(state), state);
    return [svg("circle", { class: "optimizer-start", cx, cy, r: 9 })];
  }

  #drawChart(walks, state) {
    this.chart.y.high = 10 * walks[0].places[0].height || 1;
    this.chart.draw(
      walks.map(({ rule, places }) => ({
        ...RULES[rule],
        points: places.slice(0, state.step + 1).map(({ height }, step) => [step, height]),
      })),
    );
  }

  /** What the last step computed, line by line. */
  #computed({ rule, lr, places }, state) {
    const step = Math.min(state.step, places.length - 1);
    const line = (name, formula, pair) => [name, formula, ...pair.map((value) => shown(value, 4))];
    const head = [`step ${step}`, "computed as", "w₁", "w₂"];
    if (step === 0) return { head, rows: [line("start", "w", places[0].at)] };
    const { gradient, computed, at } = places[step];
    return {
      head,
      rows: [
        line("from", "w", places[step - 1].at),
        line("gradient", "g", gradient),
        ...RULES[rule].lines(state, step).map(([name, formula, key]) => line(name, formula, computed[key])),
        line("step", RULES[rule].step(lr, state), computed.step),
        line("to", "w − step", at),
      ],
    };
  }

  #standings(walks, state) {
    return {
      head: ["rule", "learning rate", `loss at step ${state.step}`],
      rows: walks.map(({ rule, lr, places }) => [RULES[rule].name, lr, lossAt(places, state.step)]),
    };
  }

  #outcome({ left, back }, step) {
    if (left < 0 || left > step) return "";
    if (back < 0) return `left the picture at step ${left}: the learning rate is too large`;
    return `left the picture at step ${left}${step >= back ? ` and came back at step ${back}` : ""}`;
  }

  describe(state) {
    return state.rule === "all" ? this.#describeRace(state) : this.#describeStep(state);
  }

  #describeStep(state) {
    const [one] = this.#walks(state);
    const { places } = one;
    const step = Math.min(state.step, places.length - 1);
    const name = `${RULES[one.rule].name} ${PLACES[state.surface]}`;
    const [begun, now] = [shown(places[0].height, 4), shown(places[step].height, 4)];
    if (step === 0) return `${name}, before the first step: the loss is ${begun}.`;
    const loss = `the loss is ${now}; at the start it was ${begun}`;
    const outcome = this.#outcome(one, step);
    if (outcome) return `${name} ${outcome}. At step ${step}, ${loss}.`;
    const { computed, gradient } = places[step];
    const length = shown(Math.hypot(...computed.step), 3);
    const way = direction(computed.step, gradient);
    return `${name}, step ${step}: ${loss}. The step was ${length} long, ${way}.${zigzag(places, step)}`;
  }

  #describeRace(state) {
    const walks = this.#walks(state);
    const gone = walks.filter((one) => one.back < 0 && this.#outcome(one, state.step));
    const names = (some) => some.map(({ rule }) => RULES[rule].name).join(", ");
    const rates =
      state.rates === "best" ? `each with its best of ${RATES.length} learning rates` : `all with the learning rate ${state.lr}`;
    const lost = gone.length ? ` ${names(gone)} left the picture: the learning rate is too large.` : "";
    const there = walks.filter((one) => !gone.includes(one));
    const ranked = there.sort((a, b) => a.places[state.step].height - b.places[state.step].height);
    const losses = ranked.map(({ rule, places }) => `${RULES[rule].name} ${lossAt(places, state.step)}`);
    const order = losses.length ? ` From the lowest loss to the highest: ${losses.join(", ")}.` : "";
    return `Six rules ${PLACES[state.surface]} after ${state.step} steps, ${rates}.${order}${lost}`;
  }

  table(state) {
    const walks = this.#walks(state);
    const steps = Array.from({ length: state.step + 1 }, (_, step) => step);
    if (state.rule === "all") {
      return {
        head: ["step", ...walks.map(({ rule }) => RULES[rule].name)],
        rows: steps.map((step) => [step, ...walks.map(({ places }) => lossAt(places, step))]),
      };
    }
    return {
      head: ["step", "w₁", "w₂", "loss"],
      rows: walks[0].places
        .slice(0, state.step + 1)
        .map(({ at, height }, step) => [step, ...at.map((value) => shown(value, 4)), shown(height, 4)]),
    };
  }
}

/** A walk that got too far away was stopped: its loss is gone. */
function lossAt(places, step) {
  return places[step] ? shown(places[step].height, 4) : "gone";
}

/** How far a step is from straight downhill, in words. */
function direction(step, gradient) {
  const lengths = Math.hypot(...step) * Math.hypot(...gradient);
  if (lengths === 0) return "as the ground is level";
  const cosine = (step[0] * gradient[0] + step[1] * gradient[1]) / lengths;
  const angle = Math.round((Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI);
  if (angle === 0) return "straight downhill";
  return `${angle}° off straight downhill${angle > 90 ? ", which is uphill" : ""}`;
}

/** How often the walk went from side to side. */
function zigzag(places, step) {
  const signs = places.slice(0, step + 1).map(({ at }) => Math.sign(at[1]));
  const changes = signs.filter((sign, i) => i > 0 && sign !== signs[i - 1]).length;
  return changes > 1 ? ` So far w₂ has changed its sign ${changes} times.` : "";
}

OptimizerStepper.define("optimizer-stepper");

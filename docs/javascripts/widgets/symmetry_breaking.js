// Symmetry breaking: two hidden units that start equal stay equal, and what frees them.

import { load } from "../core/data.js";
import { Random } from "../core/random.js";
import { CHANGES, littleNetwork, train } from "../core/symmetry.js";
import { LineChart } from "./chart.js";
import { make, makeTable, raised, shown } from "./dom.js";
import { Widget } from "./element.js";
import { Measured } from "./pieces.js";
import { Player } from "./player.js";
import { choice, range, stepped, whole } from "./settings.js";

const STEPS = 1000;
const AT_A_TIME = 5; // steps while playing
const DRAWN_EVERY = 5; // steps between points of a curve, and
const TOLD_EVERY = 25; // between rows of the table
const LEAST = 1e-18; // distances below are drawn as 0: the weights have no digits there
const FREE = 0.1; // the distance at which the chapter calls units free

const slug = (name) => name.replace(/\W+/g, "-");
const names = Object.fromEntries(Object.keys(CHANGES).map((name) => [slug(name), name]));

class SymmetryBreaking extends Widget {
  static settings = {
    change: choice("Change", { ...names, nothing: "nothing: all weights equal" }),
    nudge: stepped("Nudge one weight by", [0, 1e-16, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 0.01], {
      value: 0,
      say: (nudge) => (nudge ? `10${raised(Math.round(Math.log10(nudge)))}` : "0"),
    }),
    step: range("Step", { min: 0, max: STEPS, value: 500 }),
    seed: whole("Seed of what is random", { max: 9999, value: 0 }),
  };

  measured = new Measured(
    this,
    (state) => this.#train(state),
    ({ change, nudge, seed }) => [change, nudge, seed].join(),
  );

  async prepare() {
    this.little = await load("little_network");
  }

  /**
   * A generator that returns two histories: of the network that the state asks for, and of equal units, to compare
   * with.
   */
  *#train(state) {
    this.equal ??= yield* this.#history({ change: "nothing", nudge: 0 });
    return { history: yield* this.#history(state), equal: this.equal };
  }

  *#history({ change, nudge, seed = 0 }) {
    const { x, target, scores, weight, rate, drop } = this.little;
    const network = littleNetwork({ inputs: x.shape[1], hidden: 2, scores, weight });
    const random = new Random(seed);
    CHANGES[names[change]](network, random);
    network.first[x.shape[1]] += nudge; // the first weight of the second unit
    const silenced = change === "dropout" ? drop : 0;
    return yield* train(network, { x: x.data, target }, { steps: STEPS, rate, drop: silenced, random });
  }

  build() {
    const step = () => {
      const further = this.state.step + (this.player.playing ? AT_A_TIME : 1);
      const next = this.state.step === STEPS ? 0 : Math.min(STEPS, further);
      this.set({ step: next });
      return next < STEPS;
    };
    this.player = new Player({ step, interval: 40 });
    const both = { x: { label: "step", low: 0, high: STEPS }, width: 340, height: 220 };
    this.distances = new LineChart({
      label: "Largest difference between the weights of the two units, step by step; the numbers are in the table.",
      ...both,
      y: { label: "distance of the units", log: true, zero: true, low: LEAST, high: 10 },
    });
    this.losses = new LineChart({
      label: "Loss, step by step, beside that of equal units; the numbers are in the table.",
      ...both,
      y: { label: "loss", low: 0, high: 1.2 },
    });
    this.digits = make("div", { class: "widget-row symmetry-digits" });
    return [this.player.element, make("div", { class: "widget-row" }, this.distances.element, this.losses.element), this.digits];
  }

  reset() {
    this.player.pause();
    super.reset();
  }

  draw(state) {
    const { history, equal } = this.measured.follow(state);
    const curve = (all, of) => all.flatMap((one, step) => (step % DRAWN_EVERY ? [] : [[step, of(one)]]));
    const now = (of) => ({ colour: "blue", points: [[state.step, of(history[state.step])]], dots: true });
    const [distance, loss] = [(one) => one.unlike, (one) => one.loss];
    this.distances.draw([{ colour: "blue", points: curve(history, distance) }, now(distance)]);
    this.losses.draw([
      { colour: "quiet", dashed: true, points: curve(equal, loss), name: "equal units, to compare" },
      { colour: "blue", points: curve(history, loss), name: "these two units" },
      now(loss),
    ]);
    this.digits.replaceChildren(...this.#allDigits(history[state.step]));
  }

  /** Every number of the two units, and every gradient, to the last digit. */
  #allDigits({ outputs, gradients, ...weights }) {
    const [inputs, scores] = [weights.first.length / 2, weights.second.length / 2];
    const rows = ({ first, bias, second }) => [
      ...Array.from({ length: inputs }, (_, i) => [`from input ${i + 1}`, first[i], first[inputs + i]]),
      ["bias", ...bias],
      ...Array.from({ length: scores }, (_, i) => [`to score ${i + 1}`, second[2 * i], second[2 * i + 1]]),
    ];
    return [digits("Weights", [...rows(weights), ["an output", ...outputs]]), digits("Gradients", rows(gradients))];
  }

  describe({ step }) {
    const { history, equal } = this.measured.found;
    const { loss } = history[step];
    const when = step === 0 ? "At the start" : step === 1 ? "After one step" : `After ${step} steps`;
    const told = this.#units(history[step], history[0].unlike);
    const beside = told.alike ? "" : `, that of equal units ${shown(equal[step].loss)}`;
    return `${when} ${told.words} The loss is ${shown(loss)}${beside}.`;
  }

  #units({ unlike, gradients, ...weights }, atFirst) {
    if ([gradients.first, gradients.bias, gradients.second].every((all) => all.every((grad) => grad === 0)))
      return {
        alike: true,
        words: "all gradients but those of the last biases are 0: each is multiplied with a weight that is 0.",
      };
    if (alike(weights)) {
      const words = alike(gradients)
        ? "the two units are equal to the last digit. They get the same gradient, so they take the same step: " +
          "they are one unit, twice."
        : "the two units are still equal, but their gradients are not: dropout silences each of them in other examples.";
      return { alike: true, words };
    }
    if (unlike === 0)
      return { words: "the weights of the inputs are the same in both units; so far they differ elsewhere only." };
    const apart = `the weights of the inputs differ by up to ${shown(unlike)} between the units`;
    if (unlike > FREE) return { words: `${apart}: they are free, and each learns something of its own.` };
    const times = unlike / atFirst;
    const grown = atFirst > 0 && times > 1 ? `, ${shown(times, 1)} times as much as at the start` : "";
    return { words: `${apart}${grown}: too little to be of use yet.` };
  }

  table() {
    const { history, equal } = this.measured.found;
    return {
      head: ["step", "distance of the units", "loss", "loss of equal units"],
      rows: history.flatMap(({ unlike, loss }, step) =>
        step % TOLD_EVERY ? [] : [[step, shown(unlike, 4), shown(loss, 4), shown(equal[step].loss, 4)]],
      ),
    };
  }
}

/** A table of two columns; from where the second differs from the first, its digits are marked. */
function digits(name, rows) {
  const cells = (first, second) => {
    let same = 0;
    while (same < second.length && first[same] === second[same]) same++;
    const rest = second.slice(same);
    return [make("td", {}, first), make("td", {}, second.slice(0, same), ...(rest ? [make("b", {}, rest)] : []))];
  };
  const table = makeTable({ head: [name, "unit 1", "unit 2"], rows: rows.map(([label]) => [label]) });
  [...table.tBodies[0].rows].forEach((row, i) => row.append(...cells(...rows[i].slice(1).map(exact))));
  const label = `${name} of both units`;
  return make("div", { class: "widget-scroller", tabindex: 0, role: "region", "aria-label": label }, table);
}

/** A number with all of its digits: two are equal if and only if these are. */
function exact(number) {
  return String(number).replaceAll("-", "−");
}

/** Have the two units the same numbers, in and out? */
function alike({ first, bias, second }) {
  const inputs = first.length / 2;
  const into = first.subarray(0, inputs).every((number, i) => number === first[inputs + i]);
  return into && bias[0] === bias[1] && second.every((number, i) => number === second[i ^ 1]);
}

SymmetryBreaking.define("symmetry-breaking");

// Live training: the letters network learns in a worker, while its loss, its kernels and its mistakes are watched.

import { load } from "../core/data.js";
import { LEVELS } from "../core/ink.js";
import { Random } from "../core/random.js";
import { untrained } from "../core/training.js";
import { LineChart } from "./chart.js";
import { button, make, shown } from "./dom.js";
import { Widget } from "./element.js";
import { largest, Picture } from "./picture.js";
import { choice, stepped, whole } from "./settings.js";

const AVERAGED = 25; // losses of batches, for the thick line
const RULES = { adam: "Adam", rmsprop: "RMSProp", adagrad: "AdaGrad", nesterov: "Nesterov", momentum: "momentum", sgd: "SGD" };
const STARTS = { he: "He", xavier: "Xavier", large: "He, ten times too large", zeros: "all zeros" };

const { layers, letters } = await load("letters_network");
const GUESS = Math.log(letters.length); // the loss of an even guess

const ruleOf = ({ rule, lr }) => `${RULES[rule]} at learning rate ${lr}`;
const percent = (part) => `${shown(100 * part, 0)} %`;

/** What is known of one training, from its first weights on. */
class Run {
  constructor(id, { start, seed }) {
    Object.assign(this, { id, start, seed, step: 0, losses: [], means: [], checks: [], changes: [], running: true });
    this.kernels = this.first = untrained(layers, start, new Random(seed)).parameters[0].data;
  }

  /** What the worker reports. */
  follow({ step, losses, checked, broken, dead, kernels, changes, running }) {
    for (const loss of losses) {
      this.losses.push(loss);
      const recent = this.losses.slice(-AVERAGED);
      this.means.push(recent.reduce((sum, one) => sum + one, 0) / recent.length);
    }
    Object.assign(this, { step, broken, dead, kernels, changes, running });
    if (checked) this.checks.push(checked);
  }

  /** With how many letters is one taken for another: the pair that is confused most. */
  get worst() {
    const counts = new Map();
    for (const pair of this.checks.at(-1)?.confused ?? []) {
      const key = pair.map((place) => letters[place]).join(" as ");
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return [...counts].sort(([, a], [, b]) => b - a)[0];
  }
}

class LiveTraining extends Widget {
  static settings = {
    rule: choice("Optimiser", RULES),
    lr: stepped("Learning rate", [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10], { value: 0.003 }),
    start: choice("Weights at the start", STARTS),
    stop: stepped("Pause after", [50, 100, 200, 500, 1000, 2000], { value: 500, say: (step) => `${step} steps` }),
    seed: whole("Seed", { max: 9999, value: 0 }),
  };

  #worker = null;
  #ids = 0;

  build() {
    this.play = button("Train", () => (this.run?.running ? this.#ask({ pause: true }) : this.#train(this.state.stop)));
    this.single = button("One step", () => this.#train((this.run?.step ?? 0) + 1));
    this.again = button("Start again", () => this.#begin(this.state.stop));
    this.loss = new LineChart({
      label: "Loss of the batches against steps",
      x: { label: "step", low: 0 },
      y: { label: "loss", log: true, low: 0.01, high: 10 },
    });
    this.right = new LineChart({
      label: "Share of letters in fonts never seen that are read right, against steps",
      x: { label: "step", low: 0 },
      y: { label: "read right, in %", low: 0, high: 100 },
    });
    this.changes = make("p", { class: "widget-caption" });
    return [
      make("div", { class: "widget-control" }, this.play, this.single, this.again),
      make("div", { class: "widget-row" }, this.loss.element, this.right.element),
      this.changes,
      make("div", { class: "widget-row" }, this.#buildKernels(), this.#buildMistakes()),
    ];
  }

  #buildKernels() {
    const [count] = layers[0].weight.shape;
    this.kernels = ["At the start", "Now"].map((name) => ({
      name,
      pictures: Array.from({ length: count }, (_, which) => new Picture(`Kernel ${which + 1}, ${name.toLowerCase()}`)),
    }));
    return make(
      "div",
      {},
      make("p", { class: "widget-caption" }, "The kernels of the first layer: black is negative, mid-gray zero, white positive"),
      ...this.kernels.flatMap(({ name, pictures }) => [
        make("p", { class: "widget-caption" }, name),
        make("div", { class: "training-kernels" }, ...pictures.map(({ element }) => element)),
      ]),
    );
  }

  #buildMistakes() {
    this.mistakes = make("div", { class: "training-mistakes" });
    return make("div", {}, make("p", { class: "widget-caption" }, "Letters in fonts never seen that it misreads"), this.mistakes);
  }

  // The worker, and what is asked of it.

  #ask(message) {
    this.#worker?.postMessage(message);
  }

  #train(until) {
    if (!this.run) return this.#begin(until);
    this.run.running = true;
    this.#ask({ until });
    this.refresh();
  }

  /** From new weights; the run before stays on the chart, to compare with. */
  #begin(until) {
    this.#worker ??= this.#newWorker();
    if (this.run?.losses.length) this.earlier = this.run;
    const { rule, lr, start, seed, stop } = this.state;
    this.run = new Run(++this.#ids, { start, seed });
    this.run.asked = { rule, lr, stop };
    this.#ask({ begin: { id: this.run.id, start, seed }, rule, lr, until });
    this.refresh();
  }

  #newWorker() {
    const worker = new Worker(new URL("live_training_worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }) => {
      if (data.failed) return this.#giveUp(data.failed);
      if (data.id !== this.run?.id) return; // of a run that was begun anew
      this.run.follow(data);
      this.refresh();
    });
    worker.addEventListener("error", () => this.#giveUp("its worker stopped"));
    return worker;
  }

  #giveUp(reason) {
    this.#forget();
    this.complain(`The training could not go on: ${reason}. Press Train to try again.`);
  }

  #forget() {
    this.#worker?.terminate();
    this.#worker = this.run = this.earlier = null;
  }

  reset() {
    this.#forget();
    super.reset();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#forget();
  }

  /** What the reader changes on the way: other weights begin another run, another rule goes on from here. */
  #follow({ rule, lr, start, seed, stop }) {
    const { run } = this;
    if (!run) return;
    if (run.start !== start || run.seed !== seed) return this.#begin(run.running ? stop : undefined);
    const { asked } = run;
    if (asked.rule !== rule || asked.lr !== lr) this.#ask({ rule, lr });
    if (asked.stop !== stop && run.running) this.#ask({ until: stop });
    run.asked = { rule, lr, stop };
  }

  // What is shown.

  draw(state) {
    this.#follow(state);
    const { run } = this;
    const over = Boolean(run?.broken) || (run && !run.running && run.step >= state.stop);
    this.play.textContent = run?.running ? "Pause" : "Train";
    this.play.disabled = over;
    this.single.disabled = Boolean(run?.broken || run?.running);
    this.again.disabled = !run;
    this.#drawCharts(state);
    this.#drawKernels(state);
    this.#drawMistakes();
  }

  #drawCharts({ stop }) {
    const points = (values) => (values ?? []).map((value, i) => [i + 1, value]);
    const checks = (run) => (run?.checks ?? []).map(({ step, right }) => [step, 100 * right]);
    const { run, earlier } = this;
    const end = Math.max(stop, run?.step ?? 0);
    this.loss.x.high = this.right.x.high = end;
    const guess = (value) => ({
      name: "an even guess",
      colour: "ink",
      dashed: true,
      points: [0, end].map((step) => [step, value]),
    });
    const old = earlier ? [{ name: "the run before", colour: "orange", dashed: true }] : [];
    this.loss.draw([
      { colour: "faint", points: points(run?.losses) },
      guess(GUESS),
      ...old.map((one) => ({ ...one, points: points(earlier.means) })),
      { name: `this run, mean of ${AVERAGED} batches; pale: each batch`, colour: "blue", points: points(run?.means) },
    ]);
    this.right.draw([
      guess(100 / letters.length),
      ...old.map((one) => ({ ...one, points: checks(earlier) })),
      { name: "this run", colour: "blue", points: checks(run) },
    ]);
    this.changes.textContent = (run?.changes ?? [])
      .map((change) => `${change.step ? `From step ${change.step + 1}` : "From the start"}: ${ruleOf(change)}.`)
      .join(" ");
  }

  #drawKernels({ start, seed }) {
    const { first, kernels } = this.run ?? new Run(0, { start, seed });
    const most = largest({ data: [...first, ...kernels].map((weight) => (Number.isFinite(weight) ? weight : 0)) });
    [first, kernels].forEach((weights, row) => {
      this.kernels[row].pictures.forEach((picture, which) => {
        picture.showSigned({ height: 3, width: 3, data: weights.subarray(9 * which, 9 * which + 9) }, most);
      });
    });
  }

  #drawMistakes() {
    const checked = this.run?.checks.at(-1);
    if (this.mistakesOf === checked && this.mistakes.childElementCount) return;
    this.mistakesOf = checked;
    const figures = (checked?.misread ?? []).map(({ image, truth, read }) => {
      const picture = new Picture(`${letters[truth]}, read as ${letters[read]}`);
      picture.show([{ height: 20, width: 20, data: image }], LEVELS, 0);
      return make("figure", {}, picture.element, make("figcaption", {}, `${letters[truth]} → ${letters[read]}`));
    });
    const none = checked ? "None." : "They are shown once it trains.";
    this.mistakes.replaceChildren(...(figures.length ? figures : [make("p", { class: "widget-caption" }, none)]));
  }

  describe(state) {
    const { run } = this;
    if (!run?.checks.length) {
      return `Not trained yet. Press Train, and ${ruleOf(state)} takes at most ${state.stop} steps, each on a batch of letters. The dashed lines are an even guess among ${letters.length} letters: a loss of ${shown(GUESS)}.`;
    }
    const { step, right } = run.checks.at(-1);
    if (run.broken) return `Training has broken down. ${run.broken} Start again begins with new weights.`;
    const loss = run.means.length ? ` The loss of its last batches is ${shown(run.means.at(-1), 3)} on average.` : "";
    if (run.dead)
      return `${this.#tellDeath(run)} It reads ${percent(right)} of the letters in fonts never seen, no better than guessing.`;
    const worst = run.worst && right > 0.2 ? ` Most often it misreads ${run.worst[0]}.` : "";
    const guessing = right < 2 / letters.length ? ", no better than guessing" : "";
    const over = !run.running && run.step >= state.stop ? " To go on, let it pause later." : "";
    return `After ${step} steps the network reads ${percent(right)} of the letters in fonts never seen${guessing}.${loss}${worst}${over}`;
  }

  /** What a learning rate or weights that are far too large do to a network of ReLUs: more often this than numbers without end. */
  #tellDeath({ dead: { step, lr }, losses }) {
    const most = losses.reduce((a, b) => Math.max(a, b));
    const jump = most > 3 * GUESS ? ` The loss had jumped to ${shown(most, 0)} at step ${losses.indexOf(most) + 1}.` : "";
    const start = step === 1 ? "Start again with other weights." : "Start again with a smaller one.";
    return `The network is dead since step ${step}, at learning rate ${lr}: ReLU gives zero for every letter, so no gradient comes back.${jump} ${start}`;
  }

  table() {
    const { checks = [], means = [] } = this.run ?? {};
    return {
      head: ["step", `loss, mean of ${AVERAGED} batches`, "read right"],
      rows: checks.length
        ? checks.map(({ step, right }) => [step, step ? shown(means[step - 1], 3) : "–", `${shown(100 * right, 1)} %`])
        : [[0, "–", "not trained yet"]],
    };
  }
}

LiveTraining.define("live-training");

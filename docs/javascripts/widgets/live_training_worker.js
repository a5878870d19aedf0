// Trains the letters network beside the page. Messages in: { begin, rule, lr, until, pause }, each if wanted; out: reports.

import { load } from "../core/data.js";
import { LEVELS } from "../core/ink.js";
import { tensor } from "../core/layers.js";
import { Random } from "../core/random.js";
import { batches, batchOf, diagnosis, isDead, readings, RULES, trainingStep, untrained } from "../core/training.js";

const REPORTED_AFTER = 100; // milliseconds
const CHECKED_AFTER = 25; // steps: at the same ones whatever the machine's speed
const SHOWN = 12; // of the misread letters at most, from all over the alphabet
const ORDER = 2 ** 31; // the seed of the order differs from that of the weights

const inkOf = ({ x, target }) => ({
  x: tensor(
    x.shape,
    Float32Array.from(x.data, (level) => level / LEVELS),
  ),
  target: target.data,
});

let training; // what { begin } made

class Training {
  constructor({ layers }, letters, { id, start, seed }) {
    this.id = id;
    this.network = untrained(layers, start, new Random(seed));
    this.letters = inkOf(letters.training);
    this.unseen = inkOf(letters.unseen);
    this.images = letters.unseen.x.data;
    this.places = batches(letters.training.target.data.length, letters.batch_size, new Random(ORDER + seed));
    this.step = 0;
    this.losses = []; // since the last report
    this.changes = []; // of the rule: from which step on, and to what
  }

  use({ rule, lr }) {
    if (rule !== this.rule) this.optimizer = RULES[rule](lr); // it starts without a memory
    this.rule = rule;
    this.optimizer.lr = lr;
    this.changes = [...this.changes.filter(({ step }) => step < this.step), { step: this.step, rule, lr }];
  }

  next() {
    const { x, target } = batchOf(this.letters, this.places.next().value);
    const loss = trainingStep(this.network, this.optimizer, x, target);
    this.step++;
    this.losses.push(loss);
    this.dead = isDead(this.network) ? (this.dead ?? { step: this.step, lr: this.optimizer.lr }) : undefined;
    if (!Number.isFinite(loss)) this.broken = diagnosis(this.network, x, this.step, this.optimizer.lr);
    else if (this.step % CHECKED_AFTER === 0) this.check();
  }

  /** How many letters in fonts never seen are read right, and some of those that are not. */
  check() {
    const read = readings(this.network, this.unseen.x);
    const wrong = read.map((_, place) => place).filter((place) => read[place] !== this.unseen.target[place]);
    const size = this.images.length / read.length;
    this.checked = {
      step: this.step,
      right: (read.length - wrong.length) / read.length,
      confused: wrong.map((place) => [this.unseen.target[place], read[place]]),
      misread: wrong
        .filter((_, i) => i % Math.ceil(wrong.length / SHOWN) === 0)
        .map((place) => ({
          image: this.images.slice(place * size, (place + 1) * size),
          truth: this.unseen.target[place],
          read: read[place],
        })),
    };
  }

  report(running) {
    const { id, step, losses, checked, broken, dead, changes } = this;
    const kernels = this.network.parameters[0].data.slice();
    postMessage({ id, step, losses, checked, broken, dead, changes, kernels, running });
    this.losses = [];
    this.checked = undefined;
  }

  async run(until) {
    this.until = until;
    if (this.running) return;
    this.running = true;
    let reported = performance.now();
    while (!this.broken && this.step < this.until) {
      this.next();
      if (performance.now() - reported < REPORTED_AFTER) continue;
      this.report(true);
      reported = performance.now();
      await new Promise((resolve) => setTimeout(resolve)); // what the page asks for is heard now
      if (training !== this) return; // begun anew meanwhile
    }
    this.running = false;
    this.report(false);
  }
}

async function begin(settings) {
  const [network, letters] = await Promise.all([load("letters_network"), load("training_letters")]);
  training = new Training(network, letters, settings);
  training.check();
}

let ready = Promise.resolve(); // messages are answered one after the other

addEventListener("message", ({ data: { begin: settings, rule, lr, until, pause } }) => {
  ready = ready.then(async () => {
    if (settings) await begin(settings);
    if (rule) training.use({ rule, lr });
    if (pause) training.until = training.step;
    if (until) training.run(until);
    else training.report(Boolean(training.running && !pause));
  });
  ready.catch((error) => postMessage({ failed: error.message }));
});

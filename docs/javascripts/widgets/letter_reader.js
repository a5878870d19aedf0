// Letter reader: draw a letter, and see every channel of the trained network and its 26 probabilities follow the pen.

import { load } from "../core/data.js";
import { LEVELS, readInk, shifted, withStroke, writeInk } from "../core/ink.js";
import { networkOf, tensor } from "../core/layers.js";
import { softmax } from "../core/losses.js";
import { ARROWS, button, make, shown } from "./dom.js";
import { Widget } from "./element.js";
import { Picture } from "./picture.js";
import { choice, hidden, range } from "./settings.js";

const SIDE = 20; // of what the network reads, in pixels
const OWN = "own";
const BLANK = new Uint8Array(SIDE * SIDE);
const STAGES = ["first", "second", "letter"]; // of the units that can be looked at, in addresses

const [{ layers, letters }, handed] = await Promise.all([load("letters_network"), load("letter_reader")]);
const network = networkOf(layers);
const fontNames = Object.fromEntries(handed.fonts.map((font) => [font, font.replace("DejaVu", "").replace("-", " ")]));
const stages = handed.stages.map((stage, which) => ({ ...stage, which, key: STAGES[which], units: stage.wanted.shape[0] }));
const convolutions = stages.slice(0, 2);

function exampleOf(letter, font) {
  const start = (letters.indexOf(letter) * handed.fonts.length + handed.fonts.indexOf(font)) * SIDE * SIDE;
  return handed.examples.data.subarray(start, start + SIDE * SIDE);
}

const planeOf = (data, height, width = height) => ({ height, width, data });
const paperOf = (data) => planeOf(data, Math.sqrt(data.length));

/** A unit in an address: second-5 is the fifth channel of the second convolution, letter-e the score of e. */
function readUnit(text) {
  const [key, name = ""] = text.split("-");
  const stage = stages.find((one) => one.key === key);
  const index = key === "letter" ? letters.indexOf(name) : Number(name) - 1;
  return stage && name && Number.isInteger(index) && index >= 0 && index < stage.units ? { stage, index } : undefined;
}

const writeUnit = ({ stage: { key }, index }) => `${key}-${key === "letter" ? letters[index] : index + 1}`;
const nameUnit = ({ stage: { key }, index }) =>
  key === "letter" ? `The score of ${letters[index]}` : `Channel ${index + 1} of the ${key} convolution`;

const steps = (count, one, other) => (count === 0 ? "" : `${Math.abs(count)} ${count > 0 ? one : other}`);
const percent = (part) => (part > 0.9995 ? "more than 99.9 %" : `${shown(100 * part, 1)} %`);

class LetterReader extends Widget {
  static settings = {
    letter: choice("Letter", { ...Object.fromEntries([...letters].map((one) => [one, one])), [OWN]: "my own" }, { value: "e" }),
    font: choice("in the font", fontNames, { value: "Cantarell-Regular" }), // thin strokes: a small move is enough
    right: range("Moved right", { min: -8, max: 8, value: 0 }),
    down: range("Moved down", { min: -8, max: 8, value: 0 }),
    ink: hidden("Drawing", {
      value: BLANK,
      read: (text) => readInk(text, BLANK.length),
      write: writeInk,
      range: `a drawing of ${SIDE} x ${SIDE} pixels, as this page writes it`,
    }),
    unit: hidden("Unit", {
      value: { stage: stages[1], index: 3 },
      read: readUnit,
      write: writeUnit,
      range: `one such as ${stages[1].key}-1 or letter-e`,
    }),
  };

  /** What was drawn belongs to a reader's own letter; another letter is another sheet of paper. */
  set(changes) {
    super.set(changes.letter && !changes.ink ? { ...changes, ink: BLANK } : changes);
  }

  build() {
    this.pen = [SIDE / 2, SIDE / 2];
    this.radios = stages.map(() => []);
    this.maps = stages.map(() => []);
    return [
      make("div", { class: "widget-row reader-top" }, this.#buildField(), make("div", {}, this.#buildBars(), this.#buildUnit())),
      ...convolutions.map((stage) => this.#buildStage(stage)),
    ];
  }

  #buildField() {
    this.field = new Picture("Paper to draw a letter on. The arrow keys move the pen, Space lowers or lifts it.");
    const { canvas, element } = this.field;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "drawing field");
    element.classList.add("reader-field");
    this.tip = make("span", { class: "reader-pen", hidden: true });
    const line = (row) => make("span", { class: "reader-line", style: `top: ${(100 * row) / SIDE}%` });
    element.append(...Object.values(handed.lines).map(line), this.tip);
    this.#followPointer(canvas);
    this.#followKeys(canvas);
    this.rubber = button("Rub out", () => this.rubber.setAttribute("aria-pressed", String(!this.rubbing)));
    this.rubber.setAttribute("aria-pressed", "false");
    return make(
      "div",
      { class: "reader-draw" },
      make("p", { class: "widget-caption" }, "Draw between the lines, or change what is there"),
      element,
      make(
        "div",
        { class: "widget-control" },
        button("Clear", () => this.#clear()),
        this.rubber,
      ),
      make("p", { class: "widget-caption" }, "Keys: arrows move the pen, Space lowers and lifts it"),
    );
  }

  #clear() {
    this.#layDown();
    this.set({ letter: OWN, right: 0, down: 0 });
  }

  reset() {
    this.#layDown();
    super.reset();
  }

  /** Nobody rubs out on empty paper; and the pen of the arrow keys goes back to the middle. */
  #layDown() {
    this.rubber.setAttribute("aria-pressed", "false");
    this.pen = [SIDE / 2, SIDE / 2];
  }

  get rubbing() {
    return this.rubber.getAttribute("aria-pressed") === "true";
  }

  #followPointer(canvas) {
    let last = null;
    let drawing; // the pointer that draws: a second finger does not
    const placeOf = ({ clientX, clientY }) => {
      const box = canvas.getBoundingClientRect();
      return [((clientY - box.top) / box.height) * SIDE, ((clientX - box.left) / box.width) * SIDE];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || last) return;
      drawing = event.pointerId;
      canvas.setPointerCapture(event.pointerId);
      last = placeOf(event);
      this.#stroke(last, last);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last || event.pointerId !== drawing) return;
      for (const one of event.getCoalescedEvents?.() ?? []) last = this.#strokeTo(last, placeOf(one));
      last = this.#strokeTo(last, placeOf(event));
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, (event) => event.pointerId === drawing && (last = null));
    }
  }

  #strokeTo(from, to) {
    this.#stroke(from, to);
    return to;
  }

  #followKeys(canvas) {
    canvas.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const step = ARROWS[event.key];
      if (!step && event.key !== " ") return;
      event.preventDefault();
      const from = this.pen;
      if (step) this.pen = from.map((at, axis) => Math.min(SIDE - 0.5, Math.max(0.5, at + step[axis])));
      else this.penDown = !this.penDown;
      if (this.penDown) this.#stroke(from, this.pen);
      this.refresh();
    });
    canvas.addEventListener("blur", () => {
      this.penDown = false;
      this.refresh();
    });
    canvas.addEventListener("focus", () => this.refresh());
  }

  /** What is on the paper becomes the reader's own, with one stroke more. */
  #stroke(from, to) {
    const ink = withStroke(this.#shownInk(this.state), SIDE, from, to, { rubbing: this.rubbing });
    this.set({ letter: OWN, ink, right: 0, down: 0 });
  }

  /** One of the units that the reader can look at; the arrow keys go from one to the next. */
  #radio(unit) {
    const input = make("input", { type: "radio", name: `${this.id}-unit`, class: "reader-choose", "aria-label": nameUnit(unit) });
    input.addEventListener("change", () => this.set({ unit }));
    this.radios[unit.stage.which][unit.index] = input;
    return input;
  }

  #buildBars() {
    const stage = stages[2];
    this.bars = [...letters].map(() => make("span", { class: "reader-probability" }));
    const columns = this.bars.map((bar, index) =>
      make(
        "label",
        { class: "reader-bar" },
        this.#radio({ stage, index }),
        make("span", { class: "reader-height" }, bar),
        letters[index],
      ),
    );
    return make(
      "div",
      {},
      make("p", { class: "widget-caption" }, "How probable each letter is"),
      make("div", { class: "reader-bars", role: "group", "aria-label": "Letters" }, ...columns),
    );
  }

  #buildStage(stage) {
    const columns = Array.from({ length: stage.units }, (_, index) => {
      const maps = [0, 1, 2].map(() => this.#silent("map"));
      this.maps[stage.which].push(maps);
      const [sums, ...smaller] = maps.map((map) => map.element);
      return make("label", { class: "reader-channel" }, this.#radio({ stage, index }), sums, make("span", {}, ...smaller));
    });
    return make(
      "div",
      {},
      make(
        "p",
        { class: "widget-caption" },
        `The ${stage.units} channels of the ${stage.key} convolution; below each, after max pooling and after ReLU`,
      ),
      make(
        "div",
        {
          class: "reader-channels",
          style: `--columns: ${stage.units}`,
          role: "group",
          "aria-label": `Channels of the ${stage.key} convolution`,
        },
        ...columns,
      ),
    );
  }

  /** A picture whose content is described elsewhere. */
  #silent(label) {
    const picture = new Picture(label);
    picture.element.setAttribute("aria-hidden", "true");
    return picture;
  }

  #buildUnit() {
    this.unitName = make("p", { class: "widget-caption" });
    this.wanted = this.#silent("wanted");
    this.favourites = handed.stages[0].favourites[0].map(() => ({ picture: this.#silent("letter"), text: make("span") }));
    return make(
      "div",
      {},
      this.unitName,
      make(
        "div",
        { class: "reader-liked" },
        make("figure", {}, this.wanted.element, make("figcaption", {}, "likes", make("br"), "best")),
        ...this.favourites.map(({ picture, text }) => make("figure", {}, picture.element, make("figcaption", {}, text))),
      ),
    );
  }

  /** What is on the paper: an example or the reader's own, moved. */
  #shownInk({ letter, font, ink, right, down }) {
    const sheet = letter === OWN ? ink : exampleOf(letter, font);
    return right || down ? shifted(sheet, SIDE, down, right) : sheet;
  }

  /** The outputs of all layers, the probabilities, and which letter is read. */
  #read(state) {
    const key = [state.letter, state.font, state.ink, state.right, state.down];
    if (!this.reading || this.reading.key.some((part, i) => part !== key[i])) {
      const ink = this.#shownInk(state);
      const outputs = network.activations(
        tensor(
          [1, 1, SIDE, SIDE],
          Float32Array.from(ink, (level) => level / LEVELS),
        ),
      );
      const probabilities = softmax(outputs.at(-1)).data;
      const order = [...letters].map((_, index) => index).sort((a, b) => probabilities[b] - probabilities[a]);
      this.reading = { key, ink, outputs, probabilities, order };
    }
    return this.reading;
  }

  /** The strongest answer of a unit, and where in its map. */
  #answer(state, { stage, index }) {
    const { shape, data } = this.#read(state).outputs[stage.layer];
    const [height, width] = shape.length === 4 ? shape.slice(2) : [1, 1];
    const plane = data.subarray(index * height * width, (index + 1) * height * width);
    const value = plane.reduce((a, b) => Math.max(a, b));
    const place = plane.indexOf(value);
    return { value, row: Math.floor(place / width), column: place % width };
  }

  draw(state) {
    const reading = this.#read(state);
    if (this.drawn !== reading) {
      this.field.show([paperOf(reading.ink)], LEVELS, 0);
      this.bars.forEach((bar, index) => {
        bar.style.height = `${100 * reading.probabilities[index]}%`;
        bar.parentElement.parentElement.classList.toggle("reader-read", index === reading.order[0]);
      });
      for (const stage of convolutions) this.#drawMaps(stage, reading);
    }
    this.drawn = reading;
    this.#drawPen();
    this.#drawUnit(state);
  }

  /** Sums and pooled sums are signed, with zero as mid-gray; after ReLU zero is black. One scale for all channels of a stage. */
  #drawMaps({ layer, which }, { outputs }) {
    const most = outputs[layer].data.reduce((a, b) => Math.max(a, Math.abs(b)), 1); // 1: traces of a bias stay traces
    for (const later of [0, 1, 2]) {
      const { shape, data } = outputs[layer + later];
      const [height, width] = shape.slice(2);
      const size = height * width;
      this.maps[which].forEach((channel, index) => {
        const plane = planeOf(data.subarray(index * size, (index + 1) * size), height, width);
        channel[later].show([plane], later === 2 ? 0 : -most, most);
      });
    }
  }

  #drawPen() {
    const focused = document.activeElement === this.field.canvas && this.field.canvas.matches(":focus-visible");
    this.tip.hidden = !focused;
    this.tip.classList.toggle("reader-pen-down", Boolean(this.penDown));
    [this.tip.style.top, this.tip.style.left] = this.pen.map((at) => `${(100 * at) / SIDE}%`);
  }

  #drawUnit(state) {
    const { stage, index } = state.unit;
    this.radios[stage.which][index].checked = true;
    const { value, row, column } = this.#answer(state, state.unit);
    const field = stage.field;
    if (field) {
      const [top, left] = [row, column].map((at) => at * field.stride - field.padding);
      this.field.frame(top, left, field.size, field.size);
    }
    this.field.window.hidden = !field;
    if (this.liked !== state.unit) this.#drawLiked(state.unit);
    this.liked = state.unit;
    this.unitName.textContent = `${nameUnit(state.unit)}: ${shown(value)} now${field ? ", at the frame" : ""}. What it likes best, and the letters that excite it most:`;
  }

  #drawLiked({ stage, index }) {
    const size = stage.wanted.shape.at(-1);
    this.wanted.show([paperOf(stage.wanted.data.subarray(index * size * size, (index + 1) * size * size))], 255, 0);
    this.wanted.element.style.setProperty("--pixels", size);
    stage.favourites[index].forEach((letter, place) => {
      const { picture, text } = this.favourites[place];
      picture.show([paperOf(exampleOf(letters[letter], this.settings.font.value))], LEVELS, 0);
      text.replaceChildren(letters[letter], make("br"), shown(stage.answers[index][place]));
    });
  }

  describe(state) {
    return [this.#tellReading(state), this.#tellUnit(state)].join(" ");
  }

  #tellReading(state) {
    const { ink, probabilities, order } = this.#read(state);
    const [first, second] = order.map((index) => `${letters[index]} (${percent(probabilities[index])})`);
    const next = probabilities[order[1]] < 0.001 ? "" : `, then ${second}`;
    if (!ink.some(Boolean))
      return `The paper is empty, and still the network reads something: ${first}. It has to choose one of ${letters.length}.`;
    const moved = [steps(state.right, "to the right", "to the left"), steps(state.down, "down", "up")]
      .filter(Boolean)
      .join(" and ");
    const sheet = state.letter === OWN ? "Your drawing" : `The ${state.letter} of ${fontNames[state.font]}`;
    const right = state.letter === OWN || letters[order[0]] === state.letter;
    const lesson = moved && !right ? " All maps have moved along, but the last layer has its own weight for every place." : "";
    return `${sheet}${moved ? `, moved ${moved},` : ""} is ${right ? "read" : "misread"} as ${first}${next}.${lesson}`;
  }

  #tellUnit(state) {
    const { stage, index } = state.unit;
    const { value } = this.#answer(state, state.unit);
    if (stage.answers[index][0] <= 0)
      return `${nameUnit(state.unit)} is dead: no letter brings it above zero, so ReLU always gives zero.`;
    const best = stage.favourites[index].slice(0, 3).map((letter) => letters[letter]);
    const answers = stage.field ? `answers with ${shown(value)} where it answers most` : `is ${shown(value)}`;
    return `${nameUnit(state.unit)} ${answers}; ${best.join(", ")} excite it most, ${best[0]} with ${shown(stage.answers[index][0])} on average.`;
  }

  table(state) {
    const { outputs, probabilities } = this.#read(state);
    const scores = outputs.at(-1).data;
    const channels = convolutions.flatMap((stage) =>
      Array.from({ length: stage.units }, (_, index) => [
        nameUnit({ stage, index }),
        shown(this.#answer(state, { stage, index }).value, 3),
        "–",
      ]),
    );
    return {
      head: ["unit", "strongest answer", "probability"],
      rows: [
        ...[...letters].map((letter, index) => [letter, shown(scores[index], 3), `${shown(100 * probabilities[index])} %`]),
        ...channels,
      ],
    };
  }
}

LetterReader.define("letter-reader");

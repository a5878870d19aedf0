// Letter channel: the pixels of one letter, slid over a page of text that the reader types, and what is found by them.

import { bestFits, cutLetter, findLetter, judge, templateBank } from "../core/channels.js";
import { load } from "../core/data.js";
import { plane } from "../core/images.js";
import { drawPage, tooWide } from "../core/letters.js";
import { svg } from "./chart.js";
import { decimals, make } from "./dom.js";
import { Widget } from "./element.js";
import { Picture } from "./picture.js";
import { choice, hidden, range, text } from "./settings.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const NOWHERE = -1 + 1e-9; // fits above lie where a kernel fits inside the page
const BUDGET = 8; // milliseconds of a frame to look for letters in; a bank takes several frames
const VERDICTS = { right: "found", missed: "missed", wrong: "false alarm" };
const RINGS = {
  right: (r) => svg("circle", { r }),
  missed: (r) => svg("rect", { x: -r, y: -r, width: 2 * r, height: 2 * r, transform: "rotate(45) scale(0.9)" }),
  wrong: (r) => svg("path", { d: `M0 ${-1.3 * r}L${1.2 * r} ${0.8 * r}H${-1.2 * r}Z` }),
};

const FIRST = "first"; // as a place: that of the first letter to find, wherever size and slant move it

const place = (label) =>
  hidden(label, {
    value: FIRST,
    read: (entered) => (/^\d{1,3}$/.test(entered) ? Number(entered) : entered === FIRST ? FIRST : undefined),
    range: `a whole number of at most three digits, or ${FIRST}`,
  });

const SLANTS = 3; // of a bank, for each of its sizes

/** Templates on one sheet: a row for each slant, from small to large; and where each of them stands. */
function sheetOf(templates) {
  const rows = templates.length > 1 ? SLANTS : 1;
  const cell = Math.max(...templates.map(({ height }) => height)) + (rows > 1);
  const image = plane(rows * cell, (templates.length / rows) * cell);
  const places = templates.map(({ height, width, data }, number) => {
    const [top, left] = [(number % rows) * cell, Math.floor(number / rows) * cell];
    for (let row = 0; row < height; row++) {
      image.data.set(data.subarray(row * width, (row + 1) * width), (top + row) * image.width + left);
    }
    return [top, left, height, width];
  });
  return { image, places };
}

function ringsOf(kind, places, radius) {
  const rings = places.map(([row, column]) => svg("g", { transform: `translate(${column + 0.5} ${row + 0.5})` }, RINGS[kind](radius)));
  return svg("g", { class: `letter-${kind}` }, ...rings);
}

/** "2 of 3, 67 %"; of nothing there is no share. */
function share(part, whole, nothing) {
  return whole ? `${part} of ${whole}, ${decimals((100 * part) / whole, 0)} %` : nothing;
}

class LetterChannel extends Widget {
  static settings = {
    text: text("Text", { value: "", longest: 120, allowed: /[a-zA-Z ]*/, range: "at most 120 letters and spaces" }),
    letter: choice("Letter to find", Object.fromEntries(Array.from(LETTERS, (one) => [one, one])), { value: "e" }),
    finder: choice("Find it by", { one: "one kernel", bank: "a bank of templates" }),
    em: range("Size of the text", { min: 10, max: 24, value: 16, say: (pixels) => `${pixels} pixels` }),
    shear: range("Slant of the text", { min: 0, max: 0.6, step: 0.05, value: 0 }),
    threshold: range("Threshold", { min: 0.5, max: 0.99, step: 0.01, value: 0.5 }),
    row: place("Row"),
    column: place("Column"),
  };

  async prepare() {
    const { font, page, threshold } = await load("page_of_text");
    Object.assign(this, { font, width: page.width });
    this.settings.text.value = page.text;
    this.settings.threshold.value = threshold;
  }

  build() {
    const point = (row, column) => this.set({ row, column });
    this.page = new Picture("The page. How well the kernel fits at a place is told below.", point);
    this.map = new Picture("How well the kernel fits at each place: white where it fits, grey where there is nothing.", point);
    this.templates = new Picture("The kernel");
    this.rings = [this.page, this.map].map((picture) => {
      const drawing = svg("svg", { class: "letter-rings", "aria-hidden": "true" });
      picture.element.append(drawing);
      return drawing;
    });
    this.page.element.classList.add("letter-page");
    this.templates.element.classList.add("letter-page", "letter-templates");
    this.key = make("p", { class: "letter-key" });
    this.name = make("p", { class: "widget-caption" });
    this.here = make("p");
    const column = (caption, ...children) => make("div", {}, make("p", { class: "widget-caption" }, caption), ...children);
    return [
      make(
        "div",
        { class: "widget-row" },
        column("The page: point, or use the arrow keys", this.page.element),
        column("The channel: the answer at each place", this.map.element),
      ),
      this.key,
      make("div", { class: "letter-kernel" }, this.templates.element, make("div", {}, this.name, this.here)),
    ];
  }

  problem({ text, em }) {
    const word = tooWide(this.font, text, { em, width: this.width });
    return word ? `The word “${word}” is wider than a line at ${em} pixels: make the text smaller, or the word shorter.` : "";
  }

  draw(state) {
    this.#find(state, this.result ? BUDGET : Infinity);
    if (this.result.state !== this.painted) this.#paint(this.result);
    this.#judge(state.threshold);
    this.#point(state);
  }

  /** Look for letters, for so many milliseconds; what is under way is finished before the next state is begun. */
  #find(state, budget) {
    const { text, letter, finder, em, shear } = state;
    const key = [text, letter, finder, em, shear].join("|");
    if (!this.job || (this.job === this.result && this.job.key !== key)) {
      const page = drawPage(this.font, text, { em, shear, width: this.width });
      const templates = finder === "bank" ? templateBank(this.font, letter) : [cutLetter(this.font, letter)];
      this.job = { key, state: { text, letter, finder, em, shear }, ...page, templates, steps: bestFits(page.image, templates) };
    }
    const until = performance.now() + budget;
    while (this.job !== this.result && performance.now() < until) {
      const { value, done } = this.job.steps.next();
      if (done) this.result = this.job;
      else Object.assign(this.job, value);
    }
    if (this.result?.key !== key) this.refresh(); // the rest in the next frame
  }

  #paint({ state, image, best, templates }) {
    this.painted = state;
    this.page.show([image], 1, 0); // ink is 1
    const answers = best.data.map((fit) => (fit < NOWHERE ? 0 : fit));
    this.map.showSigned(plane(best.height, best.width, answers), 1);
    for (const rings of this.rings) rings.setAttribute("viewBox", `0 0 ${image.width} ${image.height}`);
    const sheet = sheetOf(templates);
    this.templates.show([sheet.image], 1, 0);
    this.places = sheet.places;
    this.templates.element.style.width = `${((templates.length > 1 ? 100 : 200) * sheet.image.width) / image.width}%`;
    this.judged = null;
  }

  #judge(threshold) {
    const { state, best, glyphs } = this.result;
    if (this.judged?.threshold === threshold) return;
    const verdicts = judge(findLetter(best, threshold), glyphs, state.letter);
    this.judged = { threshold, ...verdicts };
    for (const [which, rings] of this.rings.entries()) {
      rings.replaceChildren(...Object.keys(RINGS).map((kind) => ringsOf(kind, verdicts[kind], which ? 5 : 0.5 * state.em)));
    }
    const { right, wrong, met, missed } = verdicts;
    const key = (kind, count) =>
      make("span", {}, svg("svg", { viewBox: "-9 -9 18 18", "aria-hidden": "true" }, ringsOf(kind, [[-0.5, -0.5]], 6)), `${VERDICTS[kind]}: ${count}`);
    this.key.replaceChildren(
      key("right", right.length),
      key("missed", missed.length),
      key("wrong", wrong.length),
      make("span", {}, `precision: ${share(right.length, right.length + wrong.length, "nothing is found")}`),
      make("span", {}, `recall: ${share(met.length, met.length + missed.length, `there is no ${state.letter}`)}`),
    );
  }

  /** Frame the place that the reader points at, and say how well which template fits there. */
  /** Frame the place that the reader points at, and say how well which template fits there. */
  #point(state) {
    const [row, column] = this.#place(state);
    const { best, which, templates } = this.result;
    const at = row * best.width + column;
    const { height, width, em, shear } = templates[which[at]];
    this.page.place = this.map.place = [row, column];
    this.page.frame(row - (height >> 1), column - (width >> 1), height, width);
    this.map.frame(row, column);
    this.templates.frame(...this.places[which[at]]);
    const bank = templates.length > 1;
    const fit = best.data[at];
    const kernel = bank ? `the template of ${em} pixels and slant ${shear} fits best, by` : "the kernel fits by";
    const verdict = fit < state.threshold ? "below the threshold" : "which reaches the threshold";
    this.name.textContent = bank
      ? `The bank: the letter ${this.result.state.letter}, cut at five sizes and three slants.`
      : `The kernel: the letter ${this.result.state.letter}, cut at ${em} pixels, upright. It stays as it is.`;
    this.here.textContent =
      `Row ${row}, column ${column}: ` +
      (fit < NOWHERE ? "too near to the border for a kernel." : `${kernel} ${decimals(fit)}, ${verdict}.`);
  }

  #place({ row, column }) {
    const { best, glyphs, state } = this.result;
    const first = glyphs.find(({ letter }) => letter === state.letter) ?? glyphs[0] ?? { row: best.height >> 1, column: best.width >> 1 };
    const inside = (at, size) => Math.min(at, size - 1);
    return [
      inside(row === FIRST ? first.row : row, best.height),
      inside(column === FIRST ? first.column : column, best.width),
    ];
  }

  describe() {
    const { state, glyphs } = this.result;
    const { right, wrong, met, missed } = this.judged;
    if (!glyphs.length) return "The page is empty. Type some words.";
    const letters = `${state.letter}’s`;
    const alarms = wrong.length ? `, at the letters ${wrong.map((place) => this.#letterAt(place)).join(", ")}` : "";
    const found = right.length + wrong.length;
    if (!met.length && !missed.length) return `There are no ${letters} on the page. Places found all the same: ${found}${alarms}.`;
    return (
      `Of ${met.length + missed.length} ${letters} on the page, ${met.length} are found and ${missed.length} missed. ` +
      `False alarms: ${wrong.length}${alarms}. ${this.#fits(letters, [...met, ...missed])}`
    );
  }

  /** How far the fits at the letters stay away from the threshold, and what the kernel was made for. */
  #fits(letters, places) {
    const fits = places.map((place) => this.#fitAround(place));
    const [least, most] = [Math.min(...fits), Math.max(...fits)].map((fit) => decimals(fit));
    const by = least === most ? least : `${least} to ${most}`;
    const { templates, state } = this.result;
    const kernel =
      templates.length > 1
        ? `The best of ${templates.length} templates fits`
        : `The kernel is upright and of ${templates[0].em} pixels, the text of ${state.em} pixels and slant ${state.shear}: it fits`;
    return `${kernel} the ${letters} by ${by}; the threshold is ${this.judged.threshold}.`;
  }

  table(state) {
    if (!this.result) this.draw(state);
    const rows = Object.keys(VERDICTS).flatMap((kind) => this.judged[kind].map((place) => [kind, place]));
    rows.sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]);
    return {
      head: ["letter there", "row", "column", "fit", "verdict"],
      rows: rows.map(([kind, [row, column]]) => [
        this.#letterAt([row, column]), row, column, decimals(this.#fitAround([row, column]), 3), VERDICTS[kind],
      ]),
    };
  }

  /** The letter whose centre is nearest. */
  #letterAt([row, column]) {
    const distance = (glyph) => Math.hypot(glyph.row - row, glyph.column - column);
    return this.result.glyphs.reduce((a, b) => (distance(b) < distance(a) ? b : a)).letter;
  }

  /** The best fit at a place or up to two pixels off, as finds are judged. */
  #fitAround([row, column]) {
    const { data, width } = this.result.best;
    let best = -1;
    for (let r = row - 2; r <= row + 2; r++) best = Math.max(best, ...data.subarray(r * width + column - 2, r * width + column + 3));
    return best;
  }
}

LetterChannel.define("letter-channel");

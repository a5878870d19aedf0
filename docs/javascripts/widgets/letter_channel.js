// Letter channel: the pixels of one letter, slid over a page of text that the reader types, and what is found by them.

import { bestFits, cutLetter, findLetter, judge, templateBank } from "../core/channels.js";
import { load } from "../core/data.js";
import { plane } from "../core/images.js";
import { drawPage, tooWide } from "../core/letters.js";
import { svg } from "./chart.js";
import { decimals, make } from "./dom.js";
import { Widget } from "./element.js";
import { Picture } from "./picture.js";
import { Measured } from "./pieces.js";
import { choice, hidden, range, text } from "./settings.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const NOWHERE = -1 + 1e-9; // fits above lie where a kernel fits inside the page
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

/** In how many sizes ("em") or slants ("shear") a bank has its letter. */
function countOf(templates, property) {
  return new Set(templates.map((template) => template[property])).size;
}

/** Templates on one sheet: a row for each slant, from small to large; and where each of them is. */
function sheetOf(templates) {
  const rows = countOf(templates, "shear");
  const cell = Math.max(...templates.map(({ height }) => height)) + (rows > 1);
  const image = plane(rows * cell, countOf(templates, "em") * cell);
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
  const ring = ([row, column]) => svg("g", { transform: `translate(${column + 0.5} ${row + 0.5})` }, RINGS[kind](radius));
  return svg("g", { class: `letter-${kind}` }, ...places.map(ring));
}

/** "2 of 3, 67 %"; of nothing there is no share. */
function share(part, whole, nothing) {
  return whole ? `${part} of ${whole}, ${decimals((100 * part) / whole, 0)} %` : nothing;
}

/** What the answers hang on; threshold and place change nothing about them. */
function keyOf({ text, letter, finder, em, shear }) {
  return [text, letter, finder, em, shear].join("|");
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
    this.search = new Measured(this, (state) => this.#search(state), keyOf);
    this.settings.text.value = page.text;
    this.settings.threshold.value = threshold;
  }

  build() {
    const point = (row, column, passing) => this.set({ row, column }, { passing });
    this.page = new Picture("The page. How well the kernel fits at a place is said below.", point);
    this.map = new Picture("How well the kernel fits at each place, white where it fits", point);
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

  /** The page, its letters and the best answer at each place; pauses after each template. */
  *#search({ text, letter, finder, em, shear }) {
    const page = drawPage(this.font, text, { em, shear, width: this.width });
    yield;
    const templates = finder === "bank" ? templateBank(this.font, letter) : [cutLetter(this.font, letter)];
    return { ...page, letter, em, shear, templates, ...(yield* bestFits(page.image, templates)) };
  }

  /** What is found in the newest answers, and what of it is right. */
  #judged({ threshold }) {
    const { found } = this.search;
    if (this.judged?.found !== found || this.judged.threshold !== threshold) {
      this.judged = { found, threshold, ...judge(findLetter(found.best, threshold), found.glyphs, found.letter) };
    }
    return this.judged;
  }

  draw(state) {
    const found = this.search.follow(state);
    if (this.painted !== found) this.#paint(found);
    const judged = this.#judged(state);
    if (this.ringed !== judged) this.#ring(judged);
    [this.painted, this.ringed] = [found, judged];
    this.#point(state, found);
  }

  #paint({ image, best, templates }) {
    this.page.show([image], 1, 0); // ink is 1
    const answers = best.data.map((fit) => (fit < NOWHERE ? 0 : fit));
    this.map.showSigned(plane(best.height, best.width, answers), 1);
    for (const rings of this.rings) rings.setAttribute("viewBox", `0 0 ${image.width} ${image.height}`);
    const sheet = sheetOf(templates);
    this.templates.show([sheet.image], 1, 0);
    this.places = sheet.places;
    this.templates.element.style.width = `${((templates.length > 1 ? 100 : 200) * sheet.image.width) / image.width}%`;
  }

  /** Rings on the page around whole letters, on the map around single answers; and how many there are of each kind. */
  #ring({ found, right, wrong, met, missed }) {
    const kinds = { right, missed, wrong };
    [found.em / 2, 5].forEach((radius, which) =>
      this.rings[which].replaceChildren(...Object.entries(kinds).map(([kind, places]) => ringsOf(kind, places, radius))),
    );
    const sign = (kind) => svg("svg", { viewBox: "-9 -9 18 18", "aria-hidden": "true" }, ringsOf(kind, [[-0.5, -0.5]], 6));
    this.key.replaceChildren(
      ...Object.entries(kinds).map(([kind, { length }]) => make("span", {}, sign(kind), `${VERDICTS[kind]}: ${length}`)),
      make("span", {}, `precision: ${share(right.length, right.length + wrong.length, "nothing is found")}`),
      make("span", {}, `recall: ${share(met.length, met.length + missed.length, `there is no ${found.letter}`)}`),
    );
  }

  /** Frame the place that the reader points at, and say how well which template fits there. */
  #point(state, { best, which, templates, letter }) {
    const [row, column] = this.#place(state);
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
      ? `The bank: the letter ${letter}, cut at ${countOf(templates, "em")} sizes and ${countOf(templates, "shear")} slants.`
      : `The kernel: the letter ${letter}, cut at ${em} pixels, upright. It stays as it is.`;
    this.here.textContent =
      `Row ${row}, column ${column}: ` +
      (fit < NOWHERE ? "too near to the border for a kernel." : `${kernel} ${decimals(fit, 3)}, ${verdict}.`);
  }

  #place({ row, column }) {
    const { best, glyphs, letter } = this.search.found;
    const middle = { row: best.height >> 1, column: best.width >> 1 };
    const first = glyphs.find((glyph) => glyph.letter === letter) ?? glyphs[0] ?? middle;
    const inside = (at, size) => Math.min(at, size - 1);
    return [inside(row === FIRST ? first.row : row, best.height), inside(column === FIRST ? first.column : column, best.width)];
  }

  describe(state) {
    const { found, wrong, met, missed } = this.#judged(state);
    const { letter, glyphs } = found;
    if (!glyphs.length) return "The page is empty. Type some words.";
    const letters = `${letter}’s`;
    const alarms = wrong.length ? `, at the letters ${wrong.map((place) => this.#letterAt(place)).join(", ")}` : "";
    if (!met.length && !missed.length) return `There are no ${letters} on the page. False alarms: ${wrong.length}${alarms}.`;
    return (
      `Of ${met.length + missed.length} ${letters} on the page, ${met.length} are found and ${missed.length} missed. ` +
      `False alarms: ${wrong.length}${alarms}. ${this.#fits(letters, [...met, ...missed])}; the threshold is ${state.threshold}.`
    );
  }

  /** How well the letters are fitted, by what. */
  #fits(letters, places) {
    const fits = places.map((place) => this.#fitAround(place));
    const [least, most] = [Math.min(...fits), Math.max(...fits)].map((fit) => decimals(fit, 3));
    const by = least === most ? least : `${least} to ${most}`;
    const { templates, em, shear } = this.search.found;
    const kernel =
      templates.length > 1
        ? `The best of ${templates.length} templates fits`
        : `The kernel is upright and of ${templates[0].em} pixels, the text of ${em} pixels and slant ${shear}: it fits`;
    return `${kernel} the ${letters} by ${by}`;
  }

  table(state) {
    const judged = this.#judged(state);
    const rows = Object.keys(VERDICTS).flatMap((kind) => judged[kind].map((place) => [kind, place]));
    rows.sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]);
    return {
      head: ["letter there", "row", "column", "fit", "verdict"],
      rows: rows.map(([kind, [row, column]]) => [
        this.#letterAt([row, column]),
        row,
        column,
        decimals(this.#fitAround([row, column]), 3),
        VERDICTS[kind],
      ]),
    };
  }

  /** The letter whose centre is nearest. */
  #letterAt([row, column]) {
    const distance = (glyph) => Math.hypot(glyph.row - row, glyph.column - column);
    return this.search.found.glyphs.reduce((a, b) => (distance(b) < distance(a) ? b : a)).letter;
  }

  /** The best fit at a place or up to two pixels off, as finds are judged. */
  #fitAround([row, column]) {
    const { data, width } = this.search.found.best;
    const rows = [-2, -1, 0, 1, 2].map((off) => (row + off) * width + column);
    return Math.max(...rows.map((middle) => Math.max(...data.subarray(middle - 2, middle + 3))));
  }
}

LetterChannel.define("letter-channel");

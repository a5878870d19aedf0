// Predict first: a question whose answers and replies are in the page. They are hidden until the reader has answered.
//
// The fallback holds the question and, folded, a list of answers: the first paragraph of each is the answer, the others
// are the reply. The reply to the right one begins with "Right". An answer "anything else" asks for a typed number.

import { make } from "./dom.js";
import { Widget } from "./element.js";
import { hidden } from "./settings.js";

const ELSE = "anything else";

class PredictFirst extends Widget {
  /** Which answers there are differs from question to question. */
  get settings() {
    return this.own;
  }

  async prepare() {
    const fallback = this.querySelector(".widget-fallback");
    const folded = fallback.querySelector("details");
    folded.open = true; // for print: on the screen all of it is hidden now
    this.question = [...fallback.children].filter((element) => element !== folded);
    this.answers = [...folded.querySelectorAll(":scope > ul > li")].map(({ children: [answer, ...reply] }) => ({
      answer,
      reply,
      text: said([answer]),
      right: said(reply).startsWith("Right"),
    }));
    this.own = {
      answer: hidden("Answer", {
        value: 0, // none yet
        read: (text) => (/^\d$/.test(text) && Number(text) <= this.answers.length ? Number(text) : undefined),
        range: `a number from 1 to ${this.answers.length}`,
      }),
    };
  }

  build() {
    this.typed = this.answers.some(({ text }) => text === ELSE);
    this.choices = make("div", { class: "predict-choices" }, ...(this.typed ? this.#field() : this.#buttons()));
    this.reply = make("div", { class: "predict-reply" });
    return [...this.question.map(copy), this.choices, this.reply];
  }

  #buttons() {
    return this.answers.map(({ answer }, i) =>
      make(
        "button",
        { type: "button", class: "widget-button", onclick: () => this.set({ answer: i + 1 }) },
        ...copy(answer).childNodes,
      ),
    );
  }

  #field() {
    const label = "Your answer, a number";
    this.field = make("input", { type: "text", inputmode: "decimal", size: 8, maxlength: 12, "aria-label": label });
    const form = make("form", {}, this.field, make("button", { class: "widget-button" }, "Answer"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const number = numberIn(this.field.value);
      this.field.setAttribute("aria-invalid", String(number === undefined));
      if (number === undefined) this.complain("Please type a number.");
      else this.set({ answer: (this.given = this.#place(number)) });
    });
    return [form];
  }

  #place(number) {
    const among = (wanted) => this.answers.findIndex(({ text }) => wanted(text)) + 1;
    return among((text) => numberIn(text) === number) || among((text) => text === ELSE);
  }

  draw({ answer }) {
    const given = this.answers[answer - 1];
    if (!this.typed) {
      [...this.choices.children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === answer - 1)));
    } else if (given && given.text !== ELSE && this.given !== answer) {
      this.field.value = given.text; // it came by a link
    }
    this.given = answer;
    this.reply.hidden = given === undefined;
    this.reply.classList.toggle("predict-right", given?.right === true);
    this.reply.replaceChildren(...(given?.reply ?? []).map(copy));
  }

  reset() {
    if (this.typed) {
      this.field.value = "";
      this.field.removeAttribute("aria-invalid");
    }
    super.reset();
  }

  describe({ answer }) {
    return answer === 0 ? "Not answered yet." : said(this.answers[answer - 1].reply);
  }
}

/** A second time in the page, so without the ids of proven numbers, which must be single. */
function copy(element) {
  const twin = element.cloneNode(true);
  for (const one of twin.querySelectorAll("[id]")) one.removeAttribute("id");
  return twin;
}

function said(elements) {
  return elements.map(({ textContent }) => textContent.trim().replace(/\s+/g, " ")).join(" ");
}

/** 5,200 and −3 are numbers, too; undefined where there is none. */
function numberIn(text) {
  const plain = text
    .trim()
    .replace(/,(?=\d{3})/g, "")
    .replace("−", "-");
  return plain === "" || Number.isNaN(Number(plain)) ? undefined : Number(plain);
}

PredictFirst.define("predict-first");

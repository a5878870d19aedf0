// Settings: what a reader can choose in a widget, how a choice is written in an address, and the control that changes it.
//
// A setting has a `label`, a `value` to start from, `read(text)` (the value an address asks for, undefined where it is impossible),
// `write(value)` (the way back), `range` (what is possible, in words), and `control(change, complain)`, which makes an element to
// change it by and a function that shows a value on it. Settings that a widget changes by its own means (`hidden`) have no control.

import { make, shown } from "./dom.js";

const AFTER_A_CLICK = 300; // milliseconds: words that appear between press and release would move a button away

function labelled(label, input, ...more) {
  return make("label", { class: "widget-control" }, make("span", {}, label), input, ...more);
}

/** A number between two bounds, in steps, on a slider. `say` puts the number into words, with its unit. */
export function range(label, { min, max, step = 1, value, say = (number) => shown(number, 6) }) {
  return {
    ...stepped(
      label,
      Array.from({ length: Math.round((max - min) / step) + 1 }, (_, i) => rounded(min + i * step)),
      {
        value,
        say,
      },
    ),
    range: `between ${say(min)} and ${say(max)}${step === 1 ? "" : ` in steps of ${step}`}`,
  };
}

/** One of several numbers, in their order, on a slider: for learning rates and other scales that are not even. */
export function stepped(label, values, { value, say = (number) => shown(number, 6) }) {
  const indexOf = (number) => values.findIndex((one) => Math.abs(one - number) <= 1e-9 * Math.abs(one));
  return {
    label,
    value,
    range: `one of ${values.map(say).join(", ")}`,
    read: (text) => (text.trim() === "" ? undefined : values[indexOf(Number(text))]),
    write: String,
    control(change) {
      const input = make("input", { type: "range", min: 0, max: values.length - 1, step: 1 });
      const output = make("output", { "aria-hidden": "true" }); // the slider itself says its value
      input.addEventListener("input", () => change(values[Number(input.value)]));
      const show = (number) => {
        input.value = indexOf(number);
        input.setAttribute("aria-valuetext", say(number));
        output.textContent = say(number);
      };
      return { element: labelled(label, input, output), show };
    },
  };
}

/** Without the crumbs that binary fractions leave: 0.30000000000000004 becomes 0.3. */
function rounded(number) {
  return Number(number.toPrecision(12));
}

/** One of a few: `options` maps what is written in an address to what the reader sees. */
export function choice(label, options, { value = Object.keys(options)[0] } = {}) {
  return {
    label,
    value,
    range: `one of ${Object.keys(options).join(", ")}`,
    read: (text) => (Object.hasOwn(options, text) ? text : undefined),
    write: String,
    control(change) {
      const select = make("select", {}, ...Object.entries(options).map(([key, text]) => make("option", { value: key }, text)));
      select.addEventListener("change", () => change(select.value));
      return { element: labelled(label, select), show: (key) => (select.value = key) };
    },
  };
}

/** Yes or no. */
export function flag(label, { value = false } = {}) {
  return {
    label,
    value,
    range: "yes or no",
    read: (text) => (text === "yes" ? true : text === "no" ? false : undefined),
    write: (on) => (on ? "yes" : "no"),
    control(change) {
      const input = make("input", { type: "checkbox" });
      input.addEventListener("change", () => change(input.checked));
      return { element: labelled(label, input), show: (on) => (input.checked = on) };
    },
  };
}

/**
 * Let an input be typed into. While its text is impossible it is marked, and the figure keeps its last value; that comes back
 * once the input is left. `complain(sentence)` says why: of a text at once, of a number, which may be half typed, in the end. Returns
 * what shows a value.
 */
function typed(input, read, { change, complain, wanted }) {
  const mark = (wrong) => input.setAttribute("aria-invalid", String(wrong));
  input.addEventListener("input", () => {
    const value = read(input.value);
    mark(value === undefined);
    if (value !== undefined) change(value);
  });
  const judge = () => read(input.value) === undefined && complain(wanted);
  if (input.type === "text") input.addEventListener("input", judge);
  for (const end of ["change", "blur"]) input.addEventListener(end, () => setTimeout(judge, AFTER_A_CLICK));
  return (value) => {
    if (input === document.activeElement && (input.type === "text" || read(input.value) === undefined)) return; // still at it
    if (read(input.value) !== value) input.value = value;
    mark(false);
  };
}

/** A short text; `allowed` is a regular expression that the whole text must match. */
export function text(label, { value, longest = 80, allowed = /[^]*/, range: possible = `at most ${longest} characters` }) {
  const read = (entered) => (entered.length <= longest && allowed.exec(entered)?.[0] === entered ? entered : undefined);
  return {
    label,
    value,
    range: possible,
    read,
    write: String,
    control(change, complain) {
      const input = make("input", { type: "text", maxlength: longest, spellcheck: "false", autocomplete: "off" });
      const show = typed(input, read, { change, complain, wanted: `${label} must be ${possible}.` });
      return { element: labelled(label, input), show };
    },
  };
}

/** A whole number of a wide range, such as a seed or a size: typed, or changed by the arrow keys. */
export function whole(label, { min = 0, max, value }) {
  const fits = (number) => Number.isInteger(number) && number >= min && number <= max;
  const read = (entered) => (entered.trim() !== "" && fits(Number(entered)) ? Number(entered) : undefined);
  const possible = `a whole number between ${min} and ${max}`;
  return {
    label,
    value,
    range: possible,
    read,
    write: String,
    control(change, complain) {
      const input = make("input", { type: "number", min, max, step: 1, inputmode: "numeric" });
      const show = typed(input, read, { change, complain, wanted: `${label} must be ${possible}.` });
      return { element: labelled(label, input), show };
    },
  };
}

/** What the widget changes by its own means, such as a place in a picture: no control, but part of the address. */
export function hidden(label, { value, read, write = String, range: possible = "something else" }) {
  return { label, value, range: possible, read, write };
}

/** A row or a column of a picture that has fewer than `count` of them. */
export function place(label, value, count) {
  return hidden(label, {
    value,
    read: (entered) => (/^\d{1,3}$/.test(entered) && Number(entered) < count ? Number(entered) : undefined),
    range: `a whole number below ${count}`,
  });
}

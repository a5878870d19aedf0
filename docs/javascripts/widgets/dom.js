// Elements in one call.

/**
 * A new element: `make("button", { type: "button", "aria-label": "Play", onclick: play }, "▶")`.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} attributes
 * @param {(Node | string)[]} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * A button with words on it.
 * @param {string} label
 * @param {() => void} onclick
 */
export function button(label, onclick) {
  return make("button", { type: "button", class: "widget-button", onclick }, label);
}

/**
 * What the arrow keys mean on a picture: [rows down, columns to the right].
 *
 * @type {Record<string, [number, number]>}
 */
export const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * A table for readers of numbers: `head` names the columns, the first entry of each row heads that row.
 * @param {Table} table
 */
export function makeTable({ head, rows }) {
  return make(
    "table",
    { class: "widget-table" },
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, String(text))))),
    make(
      "tbody",
      {},
      ...rows.map(([first, ...others]) =>
        make("tr", {}, make("th", { scope: "row" }, String(first)), ...others.map((text) => make("td", {}, String(text)))),
      ),
    ),
  );
}

/**
 * A number as a reader writes it: at most `digits` decimals, no trailing zeros, a true minus, never "-0"; very small and very large
 * ones as 1.5·10⁻⁸.
 * @param {number} value
 * @param {number} digits
 */
export function shown(value, digits = 2) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "undefined";
  const rounded = Number(value.toFixed(digits));
  const plain = value === 0 || (rounded !== 0 && Math.abs(value) < 1e7);
  return (plain ? String(rounded) : scientific(value)).replace("-", "−");
}

/**
 * The same for numbers on a known scale, where what rounds to nothing is nothing: 1.5·10⁻⁸ becomes 0.
 * @param {number} value
 * @param {number} digits
 */
export function decimals(value, digits = 2) {
  return shown(Number(value.toFixed(digits)), digits);
}

/** @param {number} value */
function scientific(value) {
  const [digits, power] = value.toExponential(1).split("e");
  return `${digits}·10${raised(Number(power))}`;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * A whole number as an exponent: −3 becomes ⁻³.
 * @param {number} power
 */
export function raised(power) {
  return [...String(power)].map((one) => (one === "-" ? "⁻" : SUPERSCRIPTS[Number(one)])).join("");
}

/**
 * A whole number with commas between thousands; one that is too large to be exact as 3.3·10¹⁷.
 * @param {number} value
 */
export function counted(value) {
  return Number.isSafeInteger(value) ? value.toLocaleString("en-US") : scientific(value);
}

// Line charts as SVG: colours come from the style sheet, so a switch of the scheme needs no drawing.

import { make, raised, shown } from "./dom.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const MARGIN = { top: 10, right: 12, bottom: 40, left: 58 };

/** A new SVG element: `svg("circle", { cx: 3, cy: 4, r: 2 })`. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export class LineChart {
  /**
   * `label` is read to screen readers; `x` and `y` are { label, log, low, high } with bounds from the data where none are given. A
   * logarithmic y with `zero` draws zeros at its foot, which is `low`, and marks that as 0.
   */
  constructor({ label, x = {}, y = {}, width = 460, height = 260 }) {
    Object.assign(this, { x, y, width, height });
    this.drawing = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    this.legend = make("p", { class: "chart-legend widget-caption" });
    this.element = make("div", {}, this.drawing, this.legend);
  }

  /** `series`: [{ name, colour, points: [[x, y], ...], dashed, dots }], colour one of the scheme's names, such as "blue". */
  draw(series) {
    const fits = (axis, value) => Number.isFinite(value) && (!axis.log || value > 0 || (axis.zero && value === 0));
    const drawable = ([x, y]) => fits(this.x, x) && fits(this.y, y);
    const all = series.flatMap(({ points }) => points.filter(drawable));
    const across = scale(
      this.x,
      all.map(([x]) => x),
      MARGIN.left,
      this.width - MARGIN.right,
    );
    const up = scale(
      this.y,
      all.map(([, y]) => y),
      this.height - MARGIN.bottom,
      MARGIN.top,
    );
    this.drawing.replaceChildren(...this.#axes(across, up), ...series.map((one) => this.#line(one, across, up, drawable)));
    this.legend.replaceChildren(
      ...series
        .filter(({ name }) => name)
        .map(({ name, colour, dashed }) =>
          make("span", { class: `chart-key chart-${colour}${dashed ? " chart-dashed" : ""}` }, make("i"), name),
        ),
    );
  }

  #axes(across, up) {
    const [left, right, top, bottom] = [MARGIN.left, this.width - MARGIN.right, MARGIN.top, this.height - MARGIN.bottom];
    const text = (x, y, anchor, words) => svg("text", { x, y, "text-anchor": anchor }, words);
    return [
      ...across.ticks.map((tick) => text(across.at(tick), bottom + 16, "middle", across.say(tick))),
      ...up.ticks.flatMap((tick) => [
        svg("line", { class: "chart-grid", x1: left, x2: right, y1: up.at(tick), y2: up.at(tick) }),
        text(left - 6, up.at(tick) + 4, "end", up.say(tick)),
      ]),
      svg("path", { class: "chart-axis", d: `M${left} ${top}V${bottom}H${right}` }),
      text((left + right) / 2, this.height - 6, "middle", this.x.label ?? ""),
      svg(
        "text",
        { x: 12, y: (top + bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(top + bottom) / 2})` },
        this.y.label ?? "",
      ),
    ];
  }

  #line({ colour, points, dashed, dots }, across, up, drawable) {
    let path = "";
    let pen = "M"; // lifted where a point cannot be drawn
    for (const point of points) {
      if (!drawable(point)) {
        pen = "M";
        continue;
      }
      path += `${pen}${across.at(point[0]).toFixed(1)} ${up.at(point[1]).toFixed(1)}`;
      pen = "L";
    }
    return svg(
      "g",
      { class: `chart-${colour}${dashed ? " chart-dashed" : ""}` },
      svg("path", { class: "chart-line", d: path }),
      ...(dots ? points.filter(drawable) : []).map(([x, y]) =>
        svg("circle", { class: "chart-dot", cx: across.at(x), cy: up.at(y), r: 3 }),
      ),
    );
  }
}

/** Where a value is drawn, clamped to the chart, and the values that are written along the axis. */
function scale({ log, low, high, zero }, values, from, to) {
  let least = low ?? values.reduce((a, b) => Math.min(a, b), Infinity);
  let most = high ?? values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!Number.isFinite(least) || !Number.isFinite(most)) [least, most] = log ? [1, 10] : [0, 1];
  if (least === most) [least, most] = log ? [least / 10, most * 10] : [least - 1, most + 1];
  const put = log ? Math.log10 : (value) => value;
  const [start, end] = [put(least), put(most)];
  const at = (value) => from + ((to - from) * (Math.min(end, Math.max(start, put(value))) - start)) / (end - start);
  if (!log) return { at, ...evenly(least, most) };
  const { ticks, say } = decades(start, end);
  return zero
    ? { at, ticks: [0, ...ticks.filter((tick) => tick > 2 * least)], say: (value) => (value === 0 ? "0" : say(value)) }
    : { at, ticks, say };
}

function evenly(least, most) {
  const rough = (most - least) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const first = Math.ceil(least / step);
  const ticks = Array.from({ length: Math.floor(most / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
  return { ticks, say: (value) => shown(value, digits) };
}

function decades(start, end) {
  const every = Math.max(1, Math.ceil((end - start) / 6));
  const first = Math.ceil(start / every) * every;
  const ticks = [];
  for (let power = first; power <= end + 1e-9; power += every) ticks.push(10 ** power);
  return { ticks, say: (value) => `10${raised(Math.round(Math.log10(value)))}` };
}

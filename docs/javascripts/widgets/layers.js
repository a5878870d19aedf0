// The list of layers of the network calculator: a table to choose from, and the fields and buttons that change it.
//
// A place in the list is written 3 (the third layer; 0 is the image) or 3.1.2 (in branch 1 of that block, layer 2; 0 is its head).

import { letterOf, named, PARTS, partsOf, tooMany } from "../core/layer_list.js";
import { button, counted, make, shown } from "./dom.js";
import { choice, whole } from "./settings.js";

const NEW = {
  conv: { kind: "conv", kernel: 3, channels: 16, stride: 1, padding: [0, 0], dilation: 1, groups: 1 },
  pool: { kind: "pool", kernel: 2, stride: 2, padding: [0, 0], dilation: 1 },
};

/** "1 pixel", "5 pixels"; other plurals are given. */
export function many(count, one, more = `${one}s`) {
  return `${counted(count)} ${count === 1 ? one : more}`;
}

/**
 * Where a place is: the `list` that holds it, the place `at` in that list, the `block` and `branch` around it if there is one.
 * `pathTo(at)` writes another place of the same list, `withList(list)` gives all layers once that list is another.
 */
function locate(layers, path) {
  const [first, branch, inner] = path.split(".").map(Number);
  const at = Math.min(first, layers.length);
  const block = layers[at - 1];
  if (branch === undefined || !block?.chains) return { list: layers, at, pathTo: String, withList: (list) => list };
  const b = Math.min(branch, block.chains.length - 1);
  return {
    list: block.chains[b],
    at: Math.min(inner, block.chains[b].length),
    block,
    blockAt: at,
    branch: b,
    pathTo: (i) => `${at}.${b}.${i}`,
    withList: (list) => layers.with(at - 1, { ...block, chains: block.chains.with(b, list) }),
  };
}

/** What a layer does, as one writes it: 3×3, stride 2, padding 1. */
function inWords(layer, paddingInAll) {
  if (layer.kind === "block") return `${many(layer.chains.length, "branch", "branches")}, ${layer.join}`;
  const [before, after] = layer.padding;
  const padding = paddingInAll ? `${before + after} in all` : before === after ? before : `${before} and ${after}`;
  return [
    `${layer.kernel}×${layer.kernel}`,
    layer.stride > 1 && `stride ${layer.stride}`,
    before + after > 0 && `padding ${padding}`,
    layer.dilation > 1 && `dilation ${layer.dilation}`,
    layer.groups > 1 && `${layer.groups} groups`,
  ]
    .filter(Boolean)
    .join(", ");
}

const HEAD = ["layer", "window", "channels", "size", "field", "jump", "start", "parameters", "multiplications"];
const number = (value, write = counted) => (value === undefined ? "–" : write(value)); // none after a problem

export class LayerTable {
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.body = make("tbody", {});
    const head = make("thead", {}, make("tr", {}, ...HEAD.map((text) => make("th", { scope: "col" }, text))));
    this.element = make(
      "div",
      { class: "widget-scroller network-layers", role: "group", "aria-label": "Layers" },
      make("table", { class: "widget-table" }, head, this.body),
    );
    this.group = `layer-${Math.random()}`; // radio buttons of one group on a page that may hold several
  }

  show(state, { rows, problem }) {
    const place = locate(state.layers, state.layer);
    const path = place.pathTo(place.at);
    const key = [rows, path, state.padding];
    if (this.key && key.every((part, i) => part === this.key[i])) return;
    this.key = key;
    const focused = this.body.contains(document.activeElement);
    this.inAll = state.padding === "all";
    const image = { size: state.size, channels: state.channels, receptiveField: 1, jump: 1, start: 0 };
    const lines = [this.#line("0", "image", "", image, path)];
    state.layers.forEach((layer, i) => {
      lines.push(this.#line(String(i + 1), layer.name, inWords(layer, this.inAll), rows[i] ?? {}, path));
      if (problem && i === rows.length) lines.at(-1).classList.add("network-wrong");
      if (layer.chains && parseInt(path) === i + 1) lines.push(...this.#branches(layer, i + 1, rows[i], path));
    });
    this.body.replaceChildren(...lines);
    const chosen = this.body.querySelector(":checked");
    if (focused) chosen.focus({ preventScroll: true });
    this.#reveal(chosen.closest("tr"));
  }

  /** Scroll the table, and only the table, to where the line is seen. */
  #reveal(line) {
    const [head, foot] = [line.offsetHeight, this.element.clientHeight - line.offsetHeight]; // the heads of columns stay above
    const { scrollTop } = this.element;
    this.element.scrollTop = Math.min(Math.max(scrollTop, line.offsetTop - foot), Math.max(0, line.offsetTop - head));
  }

  #branches({ chains }, at, row, path) {
    return chains.flatMap((chain, b) => [
      this.#line(`${at}.${b}.0`, `branch ${letterOf(b)}`, chain.length ? "" : "shortcut", null, path),
      ...chain.map((layer, i) =>
        this.#line(`${at}.${b}.${i + 1}`, layer.name, inWords(layer, this.inAll), row?.branches?.[b][i] ?? {}, path),
      ),
    ]);
  }

  #line(path, name, words, row, chosen) {
    const radio = make("input", { type: "radio", name: this.group, value: path });
    radio.checked = path === chosen;
    radio.addEventListener("change", () => this.onChoose(path));
    const { channels, size, receptiveField, jump, start, parameters, macs } = row ?? {};
    const cells = row
      ? [
          words,
          number(channels),
          number(size),
          number(receptiveField),
          number(jump),
          number(start, shown),
          number(parameters),
          number(macs),
        ]
      : [words, ...Array(HEAD.length - 2).fill("")];
    return make(
      "tr",
      { class: [path.includes(".") && "network-inner", radio.checked && "network-chosen"].filter(Boolean).join(" ") },
      make("th", { scope: "row" }, make("label", {}, radio, ` ${name}`)),
      ...cells.map((text) => make("td", {}, text)),
    );
  }
}

export class LayerEditor {
  /** `onChange(layers, place)` is called with the new list and what is chosen in it. */
  constructor(onChange) {
    this.onChange = onChange;
    this.title = make("p", { class: "network-chosen-name" });
    this.news = make("p", { class: "widget-caption", "aria-live": "polite" });
    this.fields = this.#makeFields();
    this.ofLayer = make(
      "span",
      { class: "widget-control" },
      button("Move up", () => this.#move(-1)),
      button("Move down", () => this.#move(1)),
      button("Duplicate", () => this.#duplicate()),
      button("Remove", () => this.#remove()),
    );
    this.ofBlock = make(
      "span",
      { class: "widget-control" },
      button("Add a branch", () => this.#addBranch()),
    );
    this.ofBranch = make(
      "span",
      { class: "widget-control" },
      button("Remove this branch", () => this.#removeBranch()),
    );
    this.addBlock = button("Add branches", () => this.#insert(this.#newBlock()));
    this.element = make(
      "div",
      { class: "network-editor", role: "group", "aria-label": "Change the chosen layer" },
      this.title,
      make("div", { class: "widget-controls" }, ...Object.values(this.fields).map(({ element }) => element)),
      make(
        "div",
        { class: "widget-controls" },
        this.ofLayer,
        this.ofBlock,
        this.ofBranch,
        make(
          "span",
          { class: "widget-control" },
          "After it:",
          button("Add a convolution", () => this.#insert({ ...NEW.conv, channels: this.#channelsHere() })),
          button("Add a pooling", () => this.#insert(NEW.pool)),
          this.addBlock,
        ),
      ),
      this.news,
    );
  }

  #makeFields() {
    const set = (part) => (value) => this.#change((layer) => ({ ...layer, [part]: value }));
    const complain = (sentence) => {
      this.news.textContent = sentence;
      requestAnimationFrame(() => this.show(this.state)); // once the field is left, its last value comes back
    };
    const numeric = (label, min, max, change) => whole(label, { min, max }).control(change, complain);
    const field = (label, part) => numeric(label, PARTS[part].least, PARTS[part].most, set(part));
    const most = PARTS.padding.most;
    const after = (before, more) => Math.min(most, Math.max(0, before + more));
    return {
      kind: choice("Kind", { conv: "convolution", pool: "max pooling", average: "average pooling" }).control((kind) =>
        this.#change((layer) => ({ ...NEW.conv, ...layer, kind, ...(kind === "average" ? { dilation: 1 } : {}) })),
      ),
      join: choice("Branches are", { added: "added", concatenated: "concatenated" }).control(set("join")),
      kernel: field("Kernel", "kernel"),
      channels: field("Channels", "channels"),
      stride: field("Stride", "stride"),
      side: numeric("Padding on each side", 0, most, (side) =>
        this.#change((layer) => ({ ...layer, padding: [side, after(side, layer.padding[1] - layer.padding[0])] })),
      ),
      extra: numeric("and more at the end", -most, most, (extra) =>
        this.#change((layer) => ({ ...layer, padding: [layer.padding[0], after(layer.padding[0], extra)] })),
      ),
      all: numeric("Padding in all", 0, 2 * most, (all) =>
        this.#change((layer) => ({ ...layer, padding: [Math.floor(all / 2), Math.ceil(all / 2)] })),
      ),
      dilation: field("Dilation", "dilation"),
      groups: field("Groups", "groups"),
    };
  }

  show(state) {
    this.state = state;
    if (this.left !== state.layers) this.news.textContent = ""; // somebody else has changed them
    this.left = state.layers;
    const { layer, block, branch } = this.#here();
    const inAll = state.padding === "all";
    const window = layer && layer.kind !== "block";
    const values = {
      kind: window ? layer.kind : undefined,
      join: layer?.join,
      ...(window ? layer : {}),
      side: window && !inAll ? layer.padding[0] : undefined,
      extra: window && !inAll ? layer.padding[1] - layer.padding[0] : undefined,
      all: window && inAll ? layer.padding[0] + layer.padding[1] : undefined,
    };
    for (const [name, field] of Object.entries(this.fields)) {
      field.element.hidden = values[name] === undefined || (name in PARTS && !partsOf(layer.kind).includes(name));
      if (!field.element.hidden) field.show(values[name]);
    }
    const name = layer?.name ?? (block ? `branch ${letterOf(branch)}` : "image");
    this.title.textContent = block ? `${block.name}: ${name}` : name;
    this.ofLayer.hidden = !layer;
    this.ofBlock.hidden = layer?.kind !== "block";
    this.ofBranch.hidden = !block;
    this.addBlock.hidden = Boolean(block); // no blocks within blocks
  }

  #here() {
    const place = locate(this.state.layers, this.state.layer);
    return { ...place, layer: place.list[place.at - 1] };
  }

  /** Another list where the chosen layer is; `at` is the place in it that is chosen then. */
  #put(list, at, news) {
    const { withList, pathTo } = this.#here();
    const layers = named(withList(list));
    if (tooMany(layers)) {
      this.news.textContent = "The list is full.";
      return;
    }
    this.#leave(layers, pathTo(at), news);
  }

  #leave(layers, place, news) {
    this.left = layers;
    this.news.textContent = news;
    this.onChange(layers, place);
  }

  #change(changed) {
    const { list, at, layer } = this.#here();
    if (layer) this.#put(list.with(at - 1, changed(layer)), at, "");
  }

  #insert(layer) {
    const { list, at } = this.#here();
    this.#put(list.toSpliced(at, 0, layer), at + 1, `Added as layer ${at + 1} of ${list.length + 1}.`);
  }

  #duplicate() {
    const { list, at, layer } = this.#here();
    this.#put(
      list.toSpliced(at, 0, layer),
      at + 1,
      `${layer.name} is there twice now: layers ${at} and ${at + 1} of ${list.length + 1}.`,
    );
  }

  #remove() {
    const { list, at, layer } = this.#here();
    const left = list.toSpliced(at - 1, 1);
    const next = Math.min(at, left.length); // where the removed one was, so that one can go on removing
    this.#put(left, next, `${layer.name} is removed; ${many(left.length, "layer")} left.`);
  }

  #move(by) {
    const { list, at, layer } = this.#here();
    const to = at + by;
    if (to < 1 || to > list.length) {
      this.news.textContent = `${layer.name} is the ${by < 0 ? "first" : "last"} already.`;
      return;
    }
    const moved = list.with(at - 1, list[to - 1]).with(to - 1, layer);
    this.#put(moved, to, `Moved: ${layer.name} is layer ${to} of ${list.length} now.`);
  }

  /** A convolution that keeps the size, beside a shortcut. */
  #newBlock() {
    return { kind: "block", join: "added", chains: [[{ ...NEW.conv, channels: this.#channelsHere(), padding: [1, 1] }], []] };
  }

  #addBranch() {
    const { list, at, layer } = this.#here();
    const chains = [...layer.chains, layer.chains[0]];
    this.#put(list.with(at - 1, { ...layer, chains }), at, `Branch ${letterOf(chains.length - 1)} is added, like the first.`);
  }

  #removeBranch() {
    const { block, blockAt, branch } = this.#here();
    if (block.chains.length === 1) {
      this.news.textContent = "It is the only branch; remove the whole block instead.";
      return;
    }
    const layers = this.state.layers.with(blockAt - 1, { ...block, chains: block.chains.toSpliced(branch, 1) });
    this.#leave(named(layers), String(blockAt), `Branch ${letterOf(branch)} is removed.`);
  }

  /** As many channels as the last convolution before this place has, so that a new layer changes as little as possible. */
  #channelsHere() {
    const { list, at } = this.#here();
    return list.slice(0, at).findLast(({ kind }) => kind === "conv")?.channels ?? NEW.conv.channels;
  }
}

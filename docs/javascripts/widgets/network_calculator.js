// Network calculator: a list of layers that can be edited, with the size, the field and the costs after each, and the cells that
// one of them sees.

import { load } from "../core/data.js";
import { follow, readLayers, total, withNamedBranches, writeLayers } from "../core/layer_list.js";
import { packageCode, torchCode } from "../core/network_code.js";
import { existing, reachedBy, seenBy } from "../core/receptive_field.js";
import { Cells } from "./cells.js";
import { counted, make, shown } from "./dom.js";
import { Widget } from "./element.js";
import { LayerEditor, LayerTable, many } from "./layers.js";
import { choice, flag, hidden, whole } from "./settings.js";

const EXAMPLE = "c3-8,c3-8,p2-2,c3-16,c3-16";

let known = {};

/** A known network by its name, or a list as layer_list.js writes it. */
function read(text) {
  return Object.hasOwn(known, text) ? known[text].layers : readLayers(text);
}

function write(layers) {
  const text = writeLayers(layers);
  return Object.keys(known).find((name) => known[name].text === text) ?? text;
}

class NetworkCalculator extends Widget {
  static showsProblems = true;
  static settings = {
    size: whole("Side of the image", { min: 1, max: 1024, value: 24 }),
    channels: whole("Channels of the image", { min: 1, max: 4096, value: 3 }),
    bias: flag("Biases", { value: true }),
    padding: choice("Padding is counted", { side: "on each side", all: "in all" }),
    rest: choice("A stride that does not divide", {
      floor: "drops the rest",
      ceil: "in poolings takes one more window",
      error: "is an error",
    }),
    code: choice("Code", { none: "none", package: "for this guide's package", pytorch: "for PyTorch" }),
    layers: hidden("Layers", {
      value: readLayers(EXAMPLE),
      read,
      write,
      range: "the name of a network, or layers as in c3-64-1-1,p2-2",
    }),
    layer: hidden("Chosen layer", {
      value: "5",
      read: (text) => (/^\d{1,3}(\.\d{1,2}\.\d{1,3})?$/.test(text) ? text : undefined),
      range: "a number, or block.branch.number",
    }),
    cell: hidden("Chosen cell", {
      value: 2,
      read: (text) => (/^\d{1,4}$/.test(text) ? Number(text) : undefined),
      range: "a whole number below 10000",
    }),
  };

  async prepare() {
    known = await load("networks");
    for (const network of Object.values(known)) {
      network.layers = network.layers.map(withNamedBranches);
      network.text = writeLayers(network.layers);
    }
  }

  build() {
    this.cells = new Cells(
      "One axis of the network: a row of cells for the image and for each layer. Choose a cell to see what it sees.",
      {
        onPoint: (row, cell) => {
          this.looked = undefined; // what is chosen is shown, wherever the mouse rests
          this.set({ layer: String(row), cell });
        },
        onLook: (...looked) => {
          this.looked = looked.length ? looked : undefined;
          this.refresh();
        },
        onResize: () => this.refresh(),
      },
    );
    this.layerTable = new LayerTable((layer) => this.set({ layer }));
    this.editor = new LayerEditor((layers, layer) => this.set({ layers, layer }));
    this.code = make("code", {});
    this.copy = make("button", { type: "button", class: "widget-button", onclick: () => this.#copy() }, "Copy");
    this.codeBlock = make(
      "div",
      { class: "network-code" },
      this.copy,
      make("pre", { tabindex: 0, role: "region", "aria-label": "Code" }, this.code),
    );
    this.#offerNetworks();
    return [
      make(
        "p",
        { class: "widget-caption" },
        "Point at a cell, or walk with the arrow keys. Orange: what it sees. Green: what it reaches.",
      ),
      this.cells.element,
      this.layerTable.element,
      this.editor.element,
      this.codeBlock,
    ];
  }

  #offerNetworks() {
    const options = Object.entries(known).map(([name, { title }]) => make("option", { value: name }, title));
    this.network = make(
      "select",
      {},
      make("option", { value: "" }, "a small example"),
      ...options,
      make("option", { value: "own", disabled: true }, "your own"),
    );
    this.network.addEventListener("change", () => this.#take(this.network.value));
    this.controls.prepend(make("label", { class: "widget-control" }, make("span", {}, "Network"), this.network));
  }

  #take(name) {
    const { size, bias, layers } = known[name] ?? this.#example;
    const { rows } = follow(layers, { size, channels: 3 });
    this.set({ size, bias, layers, channels: 3, layer: String(layers.length), cell: rows.at(-1).size >> 1 });
  }

  get #example() {
    return Object.fromEntries(Object.entries(this.settings).map(([name, { value }]) => [name, value]));
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.code.textContent);
      this.copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(this.code); // not every page may write to the clipboard
      this.copy.textContent = "Selected";
    }
    setTimeout(() => (this.copy.textContent = "Copy"), 1500);
  }

  problem(state) {
    return this.#followed(state).problem;
  }

  #followed({ layers, size, channels, bias, rest }) {
    const key = [layers, size, channels, bias, rest];
    if (!this.last || key.some((part, i) => part !== this.last.key[i])) {
      this.last = { key, ...follow(layers, { size, channels, bias, rest }) };
    }
    return this.last;
  }

  /** The image and the map after each layer, up to the first that cannot be; for each the places of the chosen cell's relations. */
  #rows(state) {
    const { rows } = this.#followed(state);
    const image = { name: "image", size: state.size, jump: 1, start: 0, receptiveField: 1, channels: state.channels };
    const all = [image, ...rows.map((row) => ({ name: row.layer.name, ...row }))];
    const [wishedRow, wishedCell] = this.looked ?? [parseInt(state.layer), state.cell];
    const row = Math.min(wishedRow, rows.length);
    const cell = Math.min(wishedCell, all[row].size - 1);
    const marked = all.map(() => new Set());
    marked[row].add(cell);
    for (let i = row; i > 0; i--) {
      marked[i - 1] = seenBy(existing(marked[i], all[i].size), rows[i - 1].layer, all[i - 1].size);
    }
    for (let i = row + 1; i < all.length; i++) marked[i] = reachedBy(marked[i - 1], rows[i - 1].layer, all[i - 1].size);
    return {
      all: all.map((one, i) => ({ ...one, marked: marked[i], padding: rows[i]?.layer.padding ?? [0, 0] })),
      chosen: [row, cell],
    };
  }

  draw(state) {
    const { all, chosen } = this.#rows(state);
    const followed = this.#followed(state);
    this.cells.draw(all, chosen, this.colours);
    this.layerTable.show(state, followed);
    this.editor.show(state);
    const name = write(state.layers);
    this.network.value = Object.hasOwn(known, name) ? name : name === EXAMPLE ? "" : "own";
    this.codeBlock.hidden = state.code === "none";
    if (!this.codeBlock.hidden) this.code.textContent = this.#code(state, followed);
  }

  #code(state, { rows, problem }) {
    if (problem || rows.length === 0) return "# There is code once all layers are possible.\n";
    if (state.code === "package") return packageCode(rows, state);
    return torchCode(rows, state);
  }

  describe(state) {
    const { all, chosen } = this.#rows(state);
    return `${chosen[0] ? this.#whatIsSeen(state, all, chosen) : this.#whatIsReached(all, chosen)} ${this.#whatItCosts(state)}`;
  }

  #whatIsSeen(state, all, [row, cell]) {
    const { name, size, channels, receptiveField, jump, start } = all[row];
    const first = start + cell * jump - (receptiveField - 1) / 2;
    const last = first + receptiveField - 1;
    const inside = Math.min(last, state.size - 1) - Math.max(first, 0) + 1;
    const read = existing(all[0].marked, state.size).size;
    const beyond = inside < receptiveField ? ` Only ${counted(inside)} of them lie in the image, the others in the padding.` : "";
    const holes = read < inside ? ` There are holes between them: it reads ${counted(read)}.` : "";
    return (
      `${name}, layer ${row} of ${state.layers.length}, gives ${size} × ${size} cells in ${many(channels, "channel")}. ` +
      `Cell ${cell} of a row sees ${many(receptiveField, "pixel")}, ${shown(first)} to ${shown(last)}; the next cell looks ${many(jump, "pixel")} further.${beyond}${holes}`
    );
  }

  #whatIsReached(all, [, cell]) {
    const last = all.at(-1);
    const image = `Pixel ${cell} of the ${all[0].size} in a row`;
    return all.length === 1
      ? `${image}: there is no layer yet.`
      : `${image} reaches ${many(last.marked.size, "cell")} of ${last.name}, which has ${last.size}.`;
  }

  #whatItCosts(state) {
    const { rows, problem } = this.#followed(state);
    const costs = `${many(total(rows, "parameters"), "parameter")} and makes ${many(total(rows, "macs"), "multiplication")}`;
    return `${problem ? "Up to the problem" : "In all"}, the list has ${costs} for one image.`;
  }

  table(state) {
    const { all, chosen } = this.#rows(state);
    const role = (i) => (i < chosen[0] ? "seen" : i > chosen[0] ? "reached" : "chosen");
    return {
      head: ["layer", "cells in a row", "cells that are linked", "first", "last", "as"],
      rows: all.map(({ name, size, marked }, i) => [
        name,
        size,
        marked.size,
        marked.size ? shown(Math.min(...marked)) : "-",
        marked.size ? shown(Math.max(...marked)) : "-",
        role(i),
      ]),
    };
  }
}

NetworkCalculator.define("network-calculator");

// What all widgets share. A widget is a custom element around its static figure; it says what its settings are and how a state is
// built, drawn, described and tabulated. All else happens here: controls, address, reset, live text, table, scheme, embedding.

import { addressOf, readAddress, stateFrom } from "./address.js";
import { button, make, makeTable } from "./dom.js";
import { Pending } from "./pending.js";
import { colours, onSchemeChange } from "./scheme.js";

const SPOKEN_AFTER = 500; // milliseconds of quiet: a screen reader need not hear every value that a slider passes
const WRITTEN_AFTER = 250; // browsers refuse addresses that change too often

export class Widget extends HTMLElement {
  /** name → setting, see settings.js; those with a control are shown in this order. */
  static settings = {};
  /** Does the figure stay when there is a problem, because it shows where? Then it draws and describes what is possible. */
  static showsProblems = false;

  /** Make it the element with this name. */
  static define(name) {
    if (!customElements.get(name)) customElements.define(name, this);
  }

  /* eslint no-unused-vars: ["error", { args: "none" }] -- what widgets override is given the state */
  // What a widget fills in. `state` holds a value for each setting.

  /** Load what building needs. There is no state yet. */
  async prepare() {}
  /** The elements of the figure, made once. */
  build() {
    return [];
  }
  /** Why this combination of settings is impossible, as a sentence that says what would do; "" where it is possible. */
  problem(state) {
    return "";
  }
  /** Bring the elements up to date. Called at most once a frame. */
  draw(state) {}
  /** What the figure shows now, in one or two sentences. */
  describe(state) {
    return "";
  }
  /** The numbers behind the figure: { head: [...], rows: [[...], ...] }. */
  table(state) {
    return null;
  }

  // What a widget uses.

  /** Change some settings; what is drawn, said and, unless the change is `passing`, written in the address follows. */
  set(changes, { passing = false } = {}) {
    Object.assign(this.state, changes);
    this.#complaints = [];
    this.#later();
    if (passing) return;
    this.#writing.put(() => history.replaceState(history.state, "", this.address));
  }

  /** Say what could not be done, until the next change. */
  complain(sentence) {
    this.#complaints = [sentence];
    this.#later();
  }

  /** Draw again with the same state, because something else has changed. */
  refresh() {
    this.#later();
  }

  /** Resolves when every change so far is on the screen, as lit's promise of this name does. */
  get updateComplete() {
    return this.#frame.done;
  }

  /** Resolves when the live text and the address have followed, too. */
  async settle() {
    const pending = [this.#frame, this.#writing, this.#speaking];
    while (pending.some((one) => one.waits)) await Promise.all(pending.map((one) => one.done));
  }

  get settings() {
    return this.constructor.settings;
  }

  get address() {
    return addressOf(this.id, this.settings, this.state);
  }

  /** The colours of the scheme that is on. */
  get colours() {
    return colours(this);
  }

  // How it works.

  #begun = false;
  #complaints = [];
  #controls = new Map();
  #frame = Pending.frame();
  #writing = Pending.quiet(WRITTEN_AFTER);
  #speaking = Pending.quiet(SPOKEN_AFTER);
  #endings = [];

  async connectedCallback() {
    if (this.dataset.ready === "") return this.#resume(); // moved within the page
    if (this.#begun) return; // moved while it prepares
    this.#begun = true;
    try {
      await this.prepare();
      this.#start();
      this.#furnish();
    } catch (error) {
      console.error(error); // the static figure stays
      return;
    }
    this.dataset.ready = "";
    if (!this.isConnected) return; // taken out while it prepared
    this.#listen();
    this.#drawNow();
    if (readAddress(this.id) && isFirstVisit()) this.scrollIntoView();
  }

  #resume() {
    this.#listen();
    this.#later();
  }

  disconnectedCallback() {
    for (const pending of [this.#frame, this.#writing, this.#speaking]) pending.drop();
    for (const end of this.#endings.splice(0)) end();
  }

  #start() {
    const { state, complaints } = stateFrom(this.settings, readAddress(this.id) ?? undefined);
    this.state = state;
    this.#complaints = complaints;
  }

  #listen() {
    this.#endings.push(onSchemeChange(() => this.#later()));
    const follow = () => {
      if (!readAddress(this.id)) return;
      this.#start();
      this.#later();
      this.scrollIntoView();
    };
    addEventListener("hashchange", follow);
    this.#endings.push(() => removeEventListener("hashchange", follow));
  }

  #furnish() {
    const title = this.dataset.title;
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", title);
    this.controls = make("div", { class: "widget-controls" });
    for (const [name, setting] of Object.entries(this.settings)) {
      if (!setting.control) continue;
      const control = setting.control(
        (value) => this.set({ [name]: value }),
        (sentence) => this.complain(sentence),
      );
      control.element.dataset.setting = name;
      this.#controls.set(name, control);
      this.controls.append(control.element);
    }
    this.complaint = make("p", { class: "widget-problem", role: "alert", hidden: true });
    this.view = make("div", { class: "widget-view" }, ...this.build());
    this.told = make("p", { class: "widget-told", "aria-hidden": "true" }); // readers of screens get it as `spoken`
    this.spoken = make("p", { class: "widget-unseen", role: "status" });
    this.append(
      make(
        "div",
        { class: "widget-stage" },
        make("p", { class: "widget-title", "aria-hidden": "true" }, title),
        this.controls,
        this.complaint,
        this.view,
        this.told,
        this.spoken,
        ...this.#tableBehind(),
        this.#footer(),
      ),
    );
  }

  #tableBehind() {
    if (!this.problem(this.state) && !this.table(this.state)) return [];
    const region = make("div", { class: "widget-scroller", tabindex: 0, role: "region", "aria-label": "Numbers" });
    this.numbers = make(
      "details",
      { class: "widget-numbers", ontoggle: () => this.#fillTable() },
      make("summary", {}, "The numbers as a table"),
      region,
    );
    this.numbers.region = region;
    return [this.numbers];
  }

  #fillTable() {
    if (!this.numbers?.open) return;
    const table = this.problem(this.state) ? null : this.table(this.state);
    this.numbers.region.replaceChildren(...(table ? [makeTable(table)] : []));
  }

  #footer() {
    this.copied = make("div", { class: "widget-copied", hidden: true });
    return make(
      "div",
      { class: "widget-footer" },
      button("Reset", () => this.reset()),
      button("Link to this", () => this.#offer("Link", new URL(this.address, location.href).href)),
      button("Embed", () => this.#offer("Embed", this.embedding)),
      this.copied,
    );
  }

  /** Back to the start. Widgets that keep more than their state extend it. */
  reset() {
    this.copied.hidden = true;
    this.set(stateFrom(this.settings).state);
  }

  /** HTML that shows this figure, in this state, in another page. */
  get embedding() {
    const page = new URL(`../../embed/${this.id}/`, import.meta.url);
    page.hash = this.address;
    // The browser writes the markup, and escapes what a title may hold.
    return make("iframe", { src: page.href, title: this.dataset.title, width: "100%", height: 640 }).outerHTML;
  }

  async #offer(what, text) {
    const field = make("input", { type: "text", readonly: true, value: text, "aria-label": what });
    const said = make("span", { role: "status" });
    this.copied.replaceChildren(field, said);
    this.copied.hidden = false;
    field.select();
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "Copy it from here."; // not every page may write to the clipboard
    }
  }

  #later() {
    if (!this.#frame.waits) this.#frame.put(() => this.#drawNow());
  }

  #drawNow() {
    for (const [name, control] of this.#controls) control.show(this.state[name]);
    const problem = this.problem(this.state);
    const complaint = [...this.#complaints, problem].filter(Boolean).join(" ");
    this.complaint.hidden = complaint === "";
    if (this.complaint.textContent !== complaint) this.complaint.textContent = complaint;
    const possible = problem === "" || this.constructor.showsProblems;
    this.view.hidden = this.told.hidden = !possible;
    if (possible) {
      this.draw(this.state);
      this.told.textContent = this.describe(this.state);
    }
    this.#fillTable();
    this.#speaking.put(() => {
      const words = possible ? this.told.textContent : ""; // the complaint is an alert already
      if (this.spoken.textContent !== words) this.spoken.textContent = words;
    });
  }
}

/** Of a page that is loaded again, or gone back to, the browser knows where the reader was. */
function isFirstVisit() {
  return performance.getEntriesByType("navigation")[0]?.type === "navigate";
}

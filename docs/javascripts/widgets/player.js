// Play, pause and single steps, for everything that goes on by itself once the reader asks for it.

import { button, make } from "./dom.js";

const CALM_INTERVAL = 600; // milliseconds a step when less motion is asked for

export class Player {
  #timer = 0;

  /**
   * `step()` does one step and returns whether another can follow; `interval` is the time between two, in milliseconds.
   *
   * @param {{ step: () => boolean, interval: number }} settings
   */
  constructor({ step, interval }) {
    this.step = step;
    this.interval = interval;
    this.button = button("Play", () => (this.playing ? this.pause() : this.play()));
    this.single = button("One step", () => {
      this.pause();
      this.step();
    });
    this.element = make("span", { class: "widget-control" }, this.button, this.single);
  }

  get playing() {
    return this.#timer !== 0;
  }

  play() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#timer ||= setInterval(() => this.#tick(), calm ? Math.max(this.interval, CALM_INTERVAL) : this.interval);
    this.button.textContent = "Pause";
  }

  pause() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.button.textContent = "Play";
  }

  #tick() {
    if (document.hidden) return; // nobody looks
    if (!this.element.isConnected || !this.step()) this.pause();
  }
}

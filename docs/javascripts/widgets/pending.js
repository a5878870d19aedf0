// An action that waits for its moment, and a promise for whoever waits for the action.

/** At most one action waits; a later one takes its place. `start` and `cancel` are such as setTimeout and clearTimeout. */
export class Pending {
  #start;
  #cancel;
  #handle = null;
  #finish = null;
  /** Resolves when nothing waits any more: the action was done, or was dropped. */
  done = Promise.resolve();

  constructor(start, cancel) {
    this.#start = start;
    this.#cancel = cancel;
  }

  static frame() {
    return new Pending((act) => requestAnimationFrame(act), cancelAnimationFrame.bind(window));
  }

  static quiet(milliseconds) {
    return new Pending((act) => setTimeout(act, milliseconds), clearTimeout.bind(window));
  }

  get waits() {
    return this.#handle !== null;
  }

  put(action) {
    if (this.waits) this.#cancel(this.#handle);
    if (!this.#finish) this.done = new Promise((resolve) => (this.#finish = resolve)); // one for a chain of actions
    this.#handle = this.#start(() => {
      this.#handle = null;
      try {
        action();
      } finally {
        if (!this.waits) this.#end(); // the action may have put the next one
      }
    });
  }

  drop() {
    if (!this.waits) return;
    this.#cancel(this.#handle);
    this.#handle = null;
    this.#end();
  }

  #end() {
    this.#finish?.();
    this.#finish = null;
  }
}

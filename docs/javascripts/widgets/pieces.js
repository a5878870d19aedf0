// Long work in pieces, so that the page answers in between.

const AT_ONCE = 8; // milliseconds of work in a frame: half of it is left for drawing

/** What a widget measures of its state, and shows once it is there. */
/** @template Result */
export class Measured {
  #frame = 0;
  /** @type {string | undefined} */
  #key;
  /** @type {Result | undefined} */
  #found;

  /**
   * `measure(state)` is a generator that pauses often and returns the result; `keyOf(state)` says which results are the
   * same.
   *
   * @param {{ state: State, view: HTMLElement, refresh: () => void }} widget
   * @param {(state: any) => Generator<unknown, Result>} measure
   * @param {(state: any) => string} keyOf
   */
  constructor(widget, measure, keyOf = JSON.stringify) {
    this.widget = widget;
    this.measure = measure;
    this.keyOf = keyOf;
  }

  /** The newest result. The first is measured without a pause: there is nothing to see until then. */
  get found() {
    if (this.#key === undefined) {
      const { state } = this.widget;
      this.#key = this.keyOf(state);
      this.#found = finished(this.measure({ ...state }));
    }
    return /** @type {Result} */ (this.#found);
  }

  /**
   * Return the newest result; begin to measure what the state asks for, if that is another. Work that has begun is
   * finished first, so that something moves while a slider is dragged.
   *
   * @param {State} state
   */
  follow(state) {
    const { found } = this;
    const key = this.keyOf(state);
    this.widget.view.setAttribute("aria-busy", String(key !== this.#key));
    if (key !== this.#key && !this.#frame) this.#later(this.measure({ ...state }), key);
    return found;
  }

  /**
   * @param {Generator<unknown, Result>} work
   * @param {string} key
   */
  #later(work, key) {
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const until = performance.now() + AT_ONCE;
      let step;
      do step = work.next();
      while (!step.done && performance.now() < until);
      if (!step.done) return this.#later(work, key);
      [this.#key, this.#found] = [key, step.value];
      this.widget.refresh();
    });
  }
}

/**
 * What a generator returns, without a pause.
 *
 * @template Result
 * @param {Generator<unknown, Result>} work
 */
function finished(work) {
  let step;
  do step = work.next();
  while (!step.done);
  return step.value;
}

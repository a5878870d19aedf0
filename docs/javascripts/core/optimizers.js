// Rules that turn gradients into changes of the weights. Held to cnnguide.optimizers, of which they lack weight decay.

/** @param {Numbers} w */
function zerosLike(w) {
  return w instanceof Float32Array ? new Float32Array(w.length) : new Float64Array(w.length);
}

class Optimizer {
  /**
   * The arrays that a rule keeps for each parameter; they start as zeros.
   *
   * @type {string[]}
   */
  static kept = [];
  steps = 0;
  /** @type {Record<string, Numbers>[]} */
  #arrays = [];

  /**
   * Change the parameters, a list of typed arrays, in place: one step against their gradients.
   *
   * @param {Numbers[]} parameters
   * @param {ArrayLike<number>[]} gradients
   */
  step(parameters, gradients) {
    this.steps++;
    parameters.forEach((w, place) => {
      this.#arrays[place] ??= Object.fromEntries(
        [.../** @type {typeof Optimizer} */ (this.constructor).kept, "step"].map((name) => [name, zerosLike(w)]),
      );
      this.update(w, gradients[place], this.#arrays[place]);
    });
  }

  /**
   * One step of one parameter; each rule has its own.
   *
   * @param {Numbers} _w
   * @param {ArrayLike<number>} _g
   * @param {Record<string, Numbers>} _arrays
   */
  update(_w, _g, _arrays) {
    throw new Error("a rule says how it changes a parameter");
  }

  /** What the last step computed for a parameter, by name; `step` is what was subtracted. Valid until the next step. */
  computed(place = 0) {
    return this.#arrays[place];
  }
}

/** Stochastic gradient descent, with momentum if wanted. */
export class SGD extends Optimizer {
  static kept = ["velocity"];

  /** @param {{ lr: number, momentum?: number, nesterov?: boolean }} settings */
  constructor({ lr, momentum = 0, nesterov = false }) {
    super();
    this.lr = lr;
    this.momentum = momentum;
    this.nesterov = nesterov;
  }

  /**
   * @param {Numbers} w
   * @param {ArrayLike<number>} g
   * @param {Record<string, Numbers>} arrays
   */
  update(w, g, { velocity, step }) {
    const { lr, momentum, nesterov } = this;
    for (let i = 0; i < w.length; i++) {
      velocity[i] = momentum * velocity[i] + g[i];
      step[i] = lr * (nesterov ? g[i] + momentum * velocity[i] : velocity[i]);
      w[i] -= step[i];
    }
  }
}

/** Steps that shrink where gradients were large. */
export class AdaGrad extends Optimizer {
  static kept = ["squares"];

  /** @param {{ lr: number, eps?: number }} settings */
  constructor({ lr, eps = 1e-10 }) {
    super();
    this.lr = lr;
    this.eps = eps;
  }

  /**
   * @param {Numbers} w
   * @param {ArrayLike<number>} g
   * @param {Record<string, Numbers>} arrays
   */
  update(w, g, { squares, step }) {
    const { lr, eps } = this;
    for (let i = 0; i < w.length; i++) {
      squares[i] += g[i] * g[i];
      step[i] = (lr * g[i]) / (Math.sqrt(squares[i]) + eps);
      w[i] -= step[i];
    }
  }
}

/** AdaGrad that forgets. */
export class RMSProp extends Optimizer {
  static kept = ["squares"];

  /** @param {{ lr: number, alpha?: number, eps?: number }} settings */
  constructor({ lr, alpha = 0.99, eps = 1e-8 }) {
    super();
    this.lr = lr;
    this.alpha = alpha;
    this.eps = eps;
  }

  /**
   * @param {Numbers} w
   * @param {ArrayLike<number>} g
   * @param {Record<string, Numbers>} arrays
   */
  update(w, g, { squares, step }) {
    const { lr, alpha, eps } = this;
    for (let i = 0; i < w.length; i++) {
      squares[i] = alpha * squares[i] + (1 - alpha) * g[i] * g[i];
      step[i] = (lr * g[i]) / (Math.sqrt(squares[i]) + eps);
      w[i] -= step[i];
    }
  }
}

/** Momentum, divided by the size of recent gradients; both corrected for having started at zero. */
export class Adam extends Optimizer {
  static kept = ["mean", "squares", "correctedMean", "correctedSquares"];

  /** @param {{ lr: number, betas?: number[], eps?: number }} settings */
  constructor({ lr, betas = [0.9, 0.999], eps = 1e-8 }) {
    super();
    this.lr = lr;
    this.betas = betas;
    this.eps = eps;
  }

  /**
   * @param {Numbers} w
   * @param {ArrayLike<number>} g
   * @param {Record<string, Numbers>} arrays
   */
  update(w, g, { mean, squares, correctedMean, correctedSquares, step }) {
    const { lr, eps } = this;
    const [beta1, beta2] = this.betas;
    const [fill1, fill2] = [1 - beta1 ** this.steps, 1 - beta2 ** this.steps]; // how full the means are by now
    for (let i = 0; i < w.length; i++) {
      mean[i] = beta1 * mean[i] + (1 - beta1) * g[i];
      squares[i] = beta2 * squares[i] + (1 - beta2) * g[i] * g[i];
      correctedMean[i] = mean[i] / fill1;
      correctedSquares[i] = squares[i] / fill2;
      step[i] = (lr * correctedMean[i]) / (Math.sqrt(correctedSquares[i]) + eps);
      w[i] -= step[i];
    }
  }
}

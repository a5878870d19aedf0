// The functions between the layers, of one number, each with its slope there. Held to cnnguide.activations.

/** @param {number} z */
export const relu = (z) => Math.max(z, 0); // NaN stays NaN

export const { tanh } = Math;

/**
 * 1 / (1 + exp(−z)), computed so that nothing overflows.
 * @param {number} z
 */
export function sigmoid(z) {
  const e = Math.exp(-Math.abs(z));
  return (z >= 0 ? 1 : e) / (1 + e);
}

/**
 * By name: the value of each, and its slope.
 *
 * @type {Record<ActivationName, { value: (z: number) => number, slope: (z: number) => number }>}
 */
export const ACTIVATIONS = {
  linear: { value: (z) => z, slope: () => 1 },
  relu: { value: relu, slope: (z) => (z <= 0 ? 0 : 1) },
  tanh: { value: tanh, slope: (z) => 1 - tanh(z) ** 2 },
  sigmoid: { value: sigmoid, slope: (z) => sigmoid(z) * (1 - sigmoid(z)) },
};

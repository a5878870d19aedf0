// What the package hands over to the pages: kernels, photo, weights. `python -m guide data` writes the files.

/** @type {Map<string, Promise<any>>} each file has a form of its own */
const loaded = new Map();

/**
 * The content of `data/NAME.json`, fetched once; arrays in it are {shape, data}, with a typed array as data.
 * @param {string} name
 */
export function load(name) {
  if (!loaded.has(name)) loaded.set(name, fetchData(new URL(`../data/${name}.json`, import.meta.url)));
  return loaded.get(name);
}

/** @param {URL} url */
async function fetchData(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url.pathname} could not be loaded: ${answer.status} ${answer.statusText}`);
  return JSON.parse(await answer.text(), (key, value) => (value?.base64 === undefined ? value : array(value)));
}

const TYPES = { uint8: Uint8Array, float32: Float32Array, float64: Float64Array };

/** @param {{ base64: string, dtype: keyof typeof TYPES, shape: number[] }} packed */
function array({ base64, dtype, shape }) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return { shape, data: new TYPES[dtype](bytes.buffer) };
}

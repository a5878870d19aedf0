// Answers calls into docs/javascripts/core, one JSON line for each: no browser and no site (see `core` in tests/conftest.py).
//
// A call is { module, function, argument }; the answer is { value } or { error }. JSON has no NaN, no infinity and no -0:
// both directions write them as { "number": "nan" }, and typed arrays become lists.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const CORE = new URL("../../docs/javascripts/core/", import.meta.url);
const DATA = new URL("../data/", CORE);
const written = pathToFileURL(`${process.argv[2]}/`); // where the package has written its data

globalThis.location = new URL("../../", CORE); // a page of the site
globalThis.fetch = async (url) => {
  if (!url.href.startsWith(DATA.href)) throw new Error(`only data can be loaded here, not ${url}`);
  return new Response(await readFile(new URL(url.href.slice(DATA.href.length), written)));
};

const SPECIAL = new Map([
  ["nan", NaN],
  ["inf", Infinity],
  ["-inf", -Infinity],
  ["-0", -0],
]);

function decoded(key, value) {
  return typeof value?.number === "string" ? SPECIAL.get(value.number) : value;
}

function encoded(key, value) {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (typeof value !== "number") return value;
  for (const [number, special] of SPECIAL) if (Object.is(value, special)) return { number };
  return value;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { module, function: source, argument } = JSON.parse(line, decoded);
  let answer;
  try {
    const called = new Function(`return ${source}`)();
    answer = { value: (await called(await import(new URL(`${module}.js`, CORE)), argument)) ?? null };
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer, encoded)}\n`);
}

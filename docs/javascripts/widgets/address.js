// The state of a widget in the page's address: `#kernel-explorer?kernel=sobel_x&row=12`, so that a situation can be linked to.

/**
 * What the address says of the widget with this id: a map of texts, or null if it speaks of something else.
 * @param {string} id
 * @param {string} hash
 */
export function readAddress(id, hash = location.hash) {
  const [name, query = ""] = hash.slice(1).split(/\?(.*)/s);
  return name === id ? new Map(new URLSearchParams(query)) : null;
}

/**
 * The address of a situation: only what differs from the start is written, so that links stay short.
 * @param {string} id
 * @param {Settings} settings
 * @param {State} state
 */
export function addressOf(id, settings, state) {
  const pairs = Object.entries(settings)
    .filter(([name, setting]) => setting.write(state[name]) !== setting.write(setting.value))
    .map(([name, setting]) => `${name}=${encodeURIComponent(setting.write(state[name])).replace(/%2C/g, ",")}`);
  return pairs.length ? `#${id}?${pairs.join("&")}` : `#${id}`;
}

/**
 * State from what an address says, and a sentence for each wish that cannot be granted.
 * @param {Settings} settings
 * @param {Map<string, string>} wishes
 * @returns {{ state: State, complaints: string[] }}
 */
export function stateFrom(settings, wishes = new Map()) {
  /** @type {State} */
  const state = {};
  /** @type {string[]} */
  const complaints = [];
  for (const [name, setting] of Object.entries(settings)) {
    const wish = wishes.get(name);
    const granted = wish === undefined ? setting.value : setting.read(wish);
    if (wish !== undefined && granted === undefined)
      complaints.push(`The link asks for ${name} = ${wish.slice(0, 40)}; it must be ${setting.range}.`);
    state[name] = granted ?? setting.value;
  }
  for (const name of wishes.keys()) {
    if (!Object.hasOwn(settings, name))
      complaints.push(`The link asks for ${name.slice(0, 40)}, which this figure does not have.`);
  }
  return { state, complaints };
}

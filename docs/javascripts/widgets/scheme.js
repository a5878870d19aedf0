// The colours of the page's scheme, for what is drawn on a canvas, and word of every switch between light and dark.

const NAMES = ["ink", "faint", "blue", "orange", "green"];

/**
 * { ink, faint, blue, orange, green }, the colours of the guide's figures in the scheme that is on.
 * @param {Element} element
 * @returns {Record<string, string>}
 */
export function colours(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--widget-${name}`).trim()]));
}

/**
 * Call back whenever the scheme changes; returns what ends that.
 * @param {() => void} callback
 */
export function onSchemeChange(callback) {
  const observer = new MutationObserver(callback);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
  return () => observer.disconnect();
}

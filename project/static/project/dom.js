/** Helpers to build elements of the page. */

/**
 * @param {string} tag
 * @param {string} [text]
 */
export function element(tag, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/**
 * An element of the template. Throws if it is missing.
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * The time of day, of 24 hours like all times of the demo.
 * @param {Date} moment
 */
export function clock(moment) {
  return moment.toLocaleTimeString("en-GB");
}

/**
 * A message with its sender and its time.
 * @param {string | undefined} name
 * @param {number} at ms since the epoch
 * @param {string | undefined} text
 */
export function entry(name, at, text) {
  const item = element("li");
  const time = /** @type {HTMLTimeElement} */ (element("time", clock(new Date(at))));
  time.dateTime = new Date(at).toISOString();
  item.append(element("b", name), time, element("p", text));
  return item;
}

/**
 * A notice that messages are missing.
 * @param {string} text
 */
export function gap(text) {
  const item = element("li", text);
  item.className = "gap";
  return item;
}

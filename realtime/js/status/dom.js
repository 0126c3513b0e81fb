/** Makes and changes elements without innerHTML, which pages with Trusted Types forbid. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with these attributes; `part` is also its class.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
export function html(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {Node[]} children
 */
export function svg(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} Kind
 * @param {Kind} element
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
function build(element, attributes, children) {
  const { part } = attributes;
  setAttributes(element, part ? { class: part, ...attributes } : attributes);
  element.append(...children);
  return element;
}

/**
 * Writes only a changed text, because a screen reader may announce every write.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Writes only changed attributes.
 * @param {Element} element
 * @param {Record<string, string>} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
}

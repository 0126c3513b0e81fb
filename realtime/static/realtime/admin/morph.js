/**
 * Makes a part of the page equal to what the server has sent, touching only what differs.
 *
 * An element that stays is the same element: it keeps its focus, its checkmark, its scroll
 * position and a selection of its text. Children with a `data-key` are told apart by it, the
 * others by their place.
 */

/** @param {Element} from on the page @param {Element} to as it shall be; is taken apart */
export function morph(from, to) {
  attributes(from, to);
  children(from, to);
}

/** @param {Element} from @param {Element} to */
function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

/** @param {Element} from @param {Element} to */
function children(from, to) {
  const keyed = new Map([...from.children].flatMap((child) => pair(child)));
  const wanted = [...to.childNodes];
  const kept = new Set(wanted.map((node) => keyed.get(key(node))));
  let here = from.firstChild;
  for (const node of wanted) {
    // What is not wanted any more goes first, so that the rest need not be moved around it.
    while (here && key(here) && !kept.has(/** @type {Element} */ (here))) here = drop(here);
    const match = key(node) ? keyed.get(key(node)) : alike(here, node) ? here : undefined;
    if (!match) {
      from.insertBefore(node, here);
      continue;
    }
    if (match === here) here = here.nextSibling;
    else move(from, match, here);
    update(match, node);
  }
  while (here) here = drop(here);
}

/**
 * Another row has gone ahead of it: it keeps its focus all the same.
 *
 * @param {Element} parent @param {Element | ChildNode} node @param {Node | null} before
 */
function move(parent, node, before) {
  const focused = document.activeElement;
  parent.insertBefore(node, before);
  if (focused instanceof HTMLElement && node.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

/** Its key, "" if it has none. @param {Node} node */
const key = (node) => (node instanceof HTMLElement && node.dataset.key) || "";

/** @param {Element} child @returns {[string, Element][]} */
function pair(child) {
  const name = key(child);
  return name ? [[name, child]] : [];
}

/** @param {Node} node */
function drop(node) {
  const next = node.nextSibling;
  node.parentNode?.removeChild(node);
  return next;
}

/** @param {Node | null} here @param {Node} node */
function alike(here, node) {
  return here !== null && !key(here) && here.nodeName === node.nodeName;
}

/** @param {Node} from @param {Node} to */
function update(from, to) {
  if (from instanceof Element && to instanceof Element) morph(from, to);
  else if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
}

/**
 * Makes a part of the page equal to the server's newest version, changing only what differs.
 *
 * Elements in both versions stay the same objects: they keep focus, checked state, scroll
 * position and text selection. Children match by their `data-key`, or else by their position.
 */

/** @param {Element} from on the page @param {Element} to the newest version; is modified */
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
  const keyed = new Map([...from.children].flatMap((child) => keyedEntry(child)));
  const wanted = [...to.childNodes];
  const kept = new Set(wanted.map((node) => keyed.get(key(node))));
  let here = from.firstChild;
  for (const node of wanted) {
    // Remove unwanted children first, so that the others need not move around them.
    while (here && key(here) && !kept.has(/** @type {Element} */ (here)))
      here = removeAndNext(here);
    const match = key(node) ? keyed.get(key(node)) : isSameKind(here, node) ? here : undefined;
    if (!match) {
      from.insertBefore(node, here);
      continue;
    }
    if (match === here) here = here.nextSibling;
    else move(from, match, here);
    update(match, node);
  }
  while (here) here = removeAndNext(here);
}

/**
 * Move a node, and give it back the focus that moving takes away.
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

/** The `data-key`, "" if there is none. @param {Node} node */
const key = (node) => (node instanceof HTMLElement && node.dataset.key) || "";

/** @param {Element} child @returns {[string, Element][]} */
function keyedEntry(child) {
  const name = key(child);
  return name ? [[name, child]] : [];
}

/** @param {Node} node */
function removeAndNext(node) {
  const next = node.nextSibling;
  node.parentNode?.removeChild(node);
  return next;
}

/** @param {Node | null} here @param {Node} node */
function isSameKind(here, node) {
  return here !== null && !key(here) && here.nodeName === node.nodeName;
}

/** @param {Node} from @param {Node} to */
function update(from, to) {
  if (from instanceof Element && to instanceof Element) morph(from, to);
  else if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
}

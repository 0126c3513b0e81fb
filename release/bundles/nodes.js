/** Walks over the syntax of a module. */

import ts from "typescript";

/** Every node within this one. @param {ts.Node} node @returns {Generator<ts.Node>} */
export function* nodesIn(node) {
  /** @type {ts.Node[]} */
  const children = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) {
    yield child;
    yield* nodesIn(child);
  }
}

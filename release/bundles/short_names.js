/**
 * Short names for internal properties. Two properties share one unless an object may have both: a text in
 * which few names come again and again compresses best.
 *
 * Which objects have which properties follows from the types of all expressions: of one that makes an object,
 * and of those that it passes through.
 */

import ts from "typescript";
import { nodesIn } from "./nodes.js";

const LETTERS = [..."tenrosaildcumfhpgwybvkxjqzABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.SourceFile[]} modules all that a bundle has
 * @param {Set<string>} internal names of properties
 * @returns {Record<string, string>} short names of the properties, as far as the letters suffice
 */
export function shortNames(checker, modules, internal) {
  const nodes = modules.flatMap((each) => [...nodesIn(each)]);
  const names = nodes.filter(ts.isIdentifier).map(({ text }) => text);
  const counts = countsOf(names.filter((name) => internal.has(name)));
  const neighbours = neighboursOf(nodes, checker, internal);
  const letters = LETTERS.filter((letter) => !isProperty(nodes, letter));
  /** @type {Map<string, string>} */
  const short = new Map();
  for (const [name] of [...counts].sort(([, one], [, two]) => two - one)) {
    const taken = new Set([...(neighbours.get(name) ?? [])].map((other) => short.get(other)));
    const free = letters.find((letter) => !taken.has(letter));
    if (free) short.set(name, free);
  }
  return Object.fromEntries(short);
}

/** @param {string[]} names @returns {Map<string, number>} */
function countsOf(names) {
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Whether a property of the sources has this name already. @param {ts.Node[]} nodes @param {string} name */
function isProperty(nodes, name) {
  return nodes.some((node) => {
    const { parent } = node;
    if (!ts.isIdentifier(node) || node.text !== name) return false;
    if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
    return (
      ts.isBindingElement(parent) || ts.isObjectLiteralElement(parent) || ts.isTypeElement(parent)
    );
  });
}

/**
 * The names that objects have together, by each of them. An object that passes as one of another type may have the
 * properties of both.
 * @param {ts.Node[]} nodes
 * @param {ts.TypeChecker} checker
 * @param {Set<string>} internal
 */
function neighboursOf(nodes, checker, internal) {
  /** @type {Map<string, Set<string>>} */
  const neighbours = new Map();
  for (const node of nodes) {
    const all = typesAt(node, checker).flatMap(propertiesOf);
    const names = all.filter((name) => internal.has(name));
    for (const name of names)
      neighbours.set(name, new Set([...(neighbours.get(name) ?? []), ...names]));
  }
  return neighbours;
}

/** The types of the object at a node: its own, and that which is expected there. @param {ts.Node} node @param {ts.TypeChecker} checker */
function typesAt(node, checker) {
  const type = checker.getTypeAtLocation(node);
  const declared =
    ts.isClassDeclaration(node) && node.name && checker.getSymbolAtLocation(node.name);
  const expected = ts.isExpression(node) && checker.getContextualType(node);
  return [type, declared && checker.getDeclaredTypeOfSymbol(declared), expected].filter(
    (each) => !!each,
  );
}

/** The names of all properties that an object of the type may have. @param {ts.Type} type @returns {string[]} */
function propertiesOf(type) {
  if (type.isUnionOrIntersection()) return type.types.flatMap(propertiesOf);
  return type.getProperties().map(({ name }) => name);
}

/**
 * The properties that only the client itself uses: in a bundle they may have short names.
 *
 * A name is internal if each of its uses, in all modules, is of a property that a module declares and that no
 * export leads to. A use of unknown type (of a frame, or of what comes out of a storage) is no such use, so names
 * on the wire and in storages stay as they are, and so do those that a text of the modules has. A type may be that
 * of an object of the browser, unless it is a class, so a name that browsers have must be of a class.
 */

import ts from "typescript";
import { nodesIn } from "./nodes.js";

/** Exports, which a module's namespace has. */
const NO_PROPERTY = ts.SymbolFlags.Variable | ts.SymbolFlags.Function | ts.SymbolFlags.Class;

/**
 * @param {ts.Program} program
 * @param {ts.SourceFile[]} modules all that a bundle has
 * @param {Set<string>} published names
 * @returns {Set<string>}
 */
export function internalNames(program, modules, published) {
  const checker = program.getTypeChecker();
  const foreign = new Set(published);
  const browser = browserNames(program);
  const isInClass = (/** @type {ts.Node} */ place) =>
    ts.findAncestor(place, (each) => (ts.isJSDoc(each) ? "quit" : ts.isClassDeclaration(each)));
  /** @type {Set<string>} */
  const found = new Set();
  for (const node of modules.flatMap((each) => [...nodesIn(each)])) {
    if (ts.isStringLiteralLike(node)) foreign.add(node.text);
    const property = ts.isIdentifier(node) && propertyAt(node, checker);
    if (property === false || (property && property.flags & NO_PROPERTY)) continue;
    const places = property?.declarations ?? [];
    const isOurs = places.every((each) => modules.includes(each.getSourceFile()));
    const isSafe = !browser.has(node.getText()) || places.every(isInClass);
    if (places.length > 0 && isOurs && isSafe) found.add(node.getText());
    else foreign.add(node.getText());
  }
  const isInternal = (/** @type {string} */ name) => !foreign.has(name) && !name.includes("_");
  return new Set([...found].filter(isInternal));
}

/** The names of all properties in the types of browsers and of JavaScript. @param {ts.Program} program */
function browserNames(program) {
  const libraries = program
    .getSourceFiles()
    .filter((each) => program.isSourceFileDefaultLibrary(each));
  const statements = libraries.flatMap((each) => [...each.statements]);
  const members = statements.filter(ts.isInterfaceDeclaration).flatMap((each) => [...each.members]);
  return new Set(members.map(({ name }) => name?.getText()));
}

/**
 * The property that an identifier names; undefined: one of unknown type; false: it names none.
 * @param {ts.Identifier} node
 * @param {ts.TypeChecker} checker
 */
function propertyAt(node, checker) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent))
    return (
      parent.name === node &&
      propertyOf(checker.getTypeAtLocation(parent.expression), node, checker)
    );
  if (ts.isBindingElement(parent) && ts.isObjectBindingPattern(parent.parent))
    return (
      (parent.propertyName ?? parent.name) === node &&
      !parent.dotDotDotToken &&
      propertyOf(checker.getTypeAtLocation(parent.parent), node, checker)
    );
  if (!(ts.isObjectLiteralElement(parent) || ts.isClassElement(parent)) || parent.name !== node)
    return false;
  const literal = parent.parent;
  if (!ts.isObjectLiteralExpression(literal)) return checker.getSymbolAtLocation(node);
  const type = checker.getContextualType(literal);
  if (!type) return checker.getSymbolAtLocation(node);
  return propertyOf(type, node, checker);
}

/** @param {ts.Type} type @param {ts.Identifier} name @param {ts.TypeChecker} checker */
function propertyOf(type, name, checker) {
  return checker.getPropertyOfType(checker.getNonNullableType(type), name.text);
}

/**
 * The names of all properties that the exports lead to.
 * @param {ts.TypeChecker} checker
 * @param {ts.SourceFile[]} modules
 * @param {ts.SourceFile[]} entries whose exports are public
 * @returns {Set<string>}
 */
export function publicNames(checker, modules, entries) {
  /** @type {Set<string>} */
  const names = new Set();
  /** @type {Set<ts.Type>} */
  const seen = new Set();
  const isOurs = (/** @type {ts.Symbol} */ symbol) =>
    symbol.declarations?.some((each) => modules.includes(each.getSourceFile()));
  const visit = (/** @type {ts.Type} */ type) => {
    if (seen.has(type)) return;
    seen.add(type);
    for (const part of partsOf(type, checker)) visit(part);
    for (const property of type.getProperties().filter(isOurs)) {
      if (property.name.startsWith("#")) continue; // a private one
      names.add(property.name);
      visit(checker.getTypeOfSymbol(property));
    }
  };
  for (const type of entries.flatMap((each) => exportedTypes(each, checker))) visit(type);
  return names;
}

/** @param {ts.SourceFile} module @param {ts.TypeChecker} checker @returns {ts.Type[]} */
function exportedTypes(module, checker) {
  const symbol = checker.getSymbolAtLocation(module);
  return checker.getExportsOfModule(/** @type {ts.Symbol} */ (symbol)).flatMap((each) => {
    const isAlias = each.flags & ts.SymbolFlags.Alias;
    const target = isAlias ? checker.getAliasedSymbol(each) : each;
    return [checker.getDeclaredTypeOfSymbol(target), checker.getTypeOfSymbol(target)];
  });
}

/** The types that a type is made of. @param {ts.Type} type @param {ts.TypeChecker} checker @returns {ts.Type[]} */
function partsOf(type, checker) {
  const signatures = [...type.getCallSignatures(), ...type.getConstructSignatures()];
  const inSignature = (/** @type {ts.Signature} */ signature) => [
    signature.getReturnType(),
    ...signature.parameters.map((each) => checker.getTypeOfSymbol(each)),
  ];
  const { objectFlags = 0 } = /** @type {ts.ObjectType} */ (type);
  return [
    ...(type.isUnionOrIntersection() ? type.types : []),
    ...(objectFlags & ts.ObjectFlags.Reference
      ? checker.getTypeArguments(/** @type {ts.TypeReference} */ (type))
      : []),
    ...(type.aliasTypeArguments ?? []),
    ...checker.getIndexInfosOfType(type).map((each) => each.type),
    ...signatures.flatMap(inSignature),
  ];
}

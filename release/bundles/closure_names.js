/** The names of members of a class, and of the variables of its constructor, in the function that replaces it. */

import ts from "typescript";
import { nodesIn } from "./nodes.js";

/** @typedef {(node: ts.Node) => string} Text the new text of a node */

/**
 * The private field that a statement sets, as in `this.#timer = …;`.
 * @param {ts.Node} statement
 * @returns {string | undefined}
 */
function setField(statement) {
  const set = assignment(statement);
  return set && privateName(set.left);
}

/** Whether a statement sets a private field without the object. @param {ts.Node} statement */
export function isPlainField(statement) {
  const right = assignment(statement)?.right;
  if (!right || !setField(statement)) return false;
  return ![right, ...nodesIn(right)].some(({ kind }) => kind === ts.SyntaxKind.ThisKeyword);
}

/** @param {ts.Node} statement */
function assignment(statement) {
  if (!ts.isExpressionStatement(statement) || !ts.isBinaryExpression(statement.expression)) return;
  const { expression } = statement;
  return expression.operatorToken.kind === ts.SyntaxKind.EqualsToken ? expression : undefined;
}

/** "#timer", where a node is an access to it. @param {ts.Node} node */
function privateName(node) {
  const isPrivate = ts.isPropertyAccessExpression(node) && ts.isPrivateIdentifier(node.name);
  return isPrivate ? node.name.text : undefined;
}

export class ClosureNames {
  #checker;
  /** @type {Set<string>} */
  #getters;
  /** @type {Map<string, number>} of the parameters of private methods, by their names */
  #methods;
  /** @type {Set<string>} private fields that are never changed after they were set */
  #constants;
  /** @type {Map<ts.Symbol, string>} of the constructor's variables, which would hide others in the methods */
  #renames = new Map();
  /** @type {Map<string, ts.Node>} the statements that set a field first, by its name */
  #first = new Map();
  /** @type {Set<ts.Node>} statements that set a field to a parameter, which becomes the field's variable */
  #dropped = new Set();

  /**
   * @param {ts.ClassDeclaration} node
   * @param {ts.ConstructorDeclaration | undefined} maker
   * @param {ts.TypeChecker} checker
   */
  constructor(node, maker, checker) {
    this.#checker = checker;
    const getters = node.members.filter(ts.isGetAccessor);
    this.#getters = new Set(getters.map(({ name }) => name.getText()));
    const methods = node.members.filter(ts.isMethodDeclaration);
    this.#methods = new Map(
      methods.map(({ name, parameters }) => [name.getText(), parameters.length]),
    );
    this.#constants = constantsOf(node);
    const bare = node.members.filter((each) => ts.isPropertyDeclaration(each) && !each.initializer);
    const names = bare.map(({ name }) => name?.getText() ?? "");
    if (maker) this.#nameVariables(maker, new Set(names));
  }

  /** Whether a statement of the constructor declares this field. @param {ts.PropertyDeclaration} field */
  isSetFirst({ name }) {
    return this.#first.has(name.getText());
  }

  /** A statement of the constructor. @param {ts.Node} node @param {Text} text */
  statement(node, text) {
    if (this.#dropped.has(node)) return "";
    const declares = [...this.#first.values()].includes(node);
    return declares ? `let ${text(node)}` : text(node);
  }

  /** @param {ts.Node} node @returns {string | undefined} */
  replacement(node) {
    if (node.kind === ts.SyntaxKind.ThisKeyword) return "this$";
    if (ts.isPrivateIdentifier(node)) return variable(node.text);
    if (ts.isArrowFunction(node)) return this.#forwarded(node);
    if (ts.isIdentifier(node)) return this.#renamed(node);
    const name = privateName(node);
    if (name === undefined) return undefined;
    return this.#getters.has(name) ? `${variable(name)}()` : variable(name);
  }

  /** The private method that an arrow function calls with its own parameters only. @param {ts.ArrowFunction} node */
  #forwarded({ body, modifiers, parameters }) {
    const name = ts.isCallExpression(body) && privateName(body.expression);
    if (!name || modifiers || this.#methods.get(name) !== parameters.length) return undefined;
    const passed = /** @type {ts.CallExpression} */ (body).arguments.map((each) => each.getText());
    const own = parameters.map((each) => each.getText()); // with a default it is no argument
    if (!parameters.every(({ name: each }) => ts.isIdentifier(each))) return undefined;
    return `${passed}` === `${own}` ? variable(name) : undefined;
  }

  /** @param {ts.Identifier} node @returns {string | undefined} */
  #renamed(node) {
    const { parent } = node;
    const isShort = ts.isShorthandPropertyAssignment(parent) && parent.name === node;
    const symbol = isShort
      ? this.#checker.getShorthandAssignmentValueSymbol(parent)
      : this.#checker.getSymbolAtLocation(node);
    const name = symbol && this.#renames.get(symbol);
    const isBound = ts.isBindingElement(parent) && ts.isObjectBindingPattern(parent.parent);
    if (!name || (isBound && parent.propertyName === node)) return undefined;
    const isPlain =
      !isBound || parent.name !== node || parent.propertyName || parent.dotDotDotToken;
    return isShort || !isPlain ? `${node.text}: ${name}` : name;
  }

  /** @param {ts.ConstructorDeclaration} maker @param {Set<string>} fields without initializers */
  #nameVariables(maker, fields) {
    for (const node of nodesIn(maker)) {
      const symbol = isBinding(node) && this.#checker.getSymbolAtLocation(node);
      if (symbol) this.#renames.set(symbol, `${node.text}$c`);
    }
    for (const statement of maker.body?.statements ?? []) {
      const field = setField(statement);
      if (field && fields.has(field) && !this.#first.has(field)) this.#nameField(field, statement);
    }
  }

  /** @param {string} field @param {ts.Statement} statement */
  #nameField(field, statement) {
    this.#first.set(field, statement);
    const value = assignment(statement)?.right;
    const symbol = value && ts.isIdentifier(value) && this.#checker.getSymbolAtLocation(value);
    if (!symbol || !this.#constants.has(field) || !this.#renames.get(symbol)?.endsWith("$c"))
      return;
    this.#renames.set(symbol, variable(field));
    this.#dropped.add(statement);
  }
}

/** @param {string} name "#timer" */
function variable(name) {
  return `${name.slice(1)}$`;
}

/** @param {ts.Node} node @returns {node is ts.Identifier} whether it is where a variable gets its name */
function isBinding(node) {
  const { parent } = node;
  const declares =
    ts.isParameter(parent) || ts.isBindingElement(parent) || ts.isVariableDeclaration(parent);
  return ts.isIdentifier(node) && declares && parent.name === node;
}

/** The private fields that are set once. @param {ts.ClassDeclaration} node */
function constantsOf(node) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const each of nodesIn(node)) {
    const name = privateName(each);
    if (name && isWritten(each)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count === 1).map(([name]) => name));
}

/**
 * Whether the expression is a target of an assignment, perhaps within a pattern.
 * @param {ts.Node} node
 * @returns {boolean}
 */
function isWritten(node) {
  const { parent } = node;
  const { PlusPlusToken, MinusMinusToken, FirstAssignment, LastAssignment } = ts.SyntaxKind;
  if (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent))
    return [PlusPlusToken, MinusMinusToken].includes(parent.operator);
  const { kind } = ts.isBinaryExpression(parent) ? parent.operatorToken : { kind: 0 };
  if (kind >= FirstAssignment && kind <= LastAssignment)
    return /** @type {ts.BinaryExpression} */ (parent).left === node;
  const isPattern =
    ts.isPropertyAssignment(parent) ||
    ts.isSpreadAssignment(parent) ||
    ts.isObjectLiteralExpression(parent) ||
    ts.isArrayLiteralExpression(parent);
  return isPattern && isWritten(parent);
}

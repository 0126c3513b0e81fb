/**
 * Makes functions of classes: private members become variables, which a minifier shortens from
 * `this.#timer` to one letter, and drops or inlines where they are used once.
 *
 *     class Count { #n = 0; constructor(step) { this.step = step; } add() { this.#n += this.step; } }
 *
 *     function Count(step$c) {
 *       let n$ = 0;
 *       const this$ = { add() { n$ += this$.step; } };
 *       this$.step = step$c;
 *       return this$;
 *     }
 *
 * A class stays as it is where a function could not do the same: with a base class, static members, private
 * members of other objects than `this`, and where its objects are spread or looked at by `instanceof`. Methods
 * and getters that nothing calls are left out, unless pages may.
 */

import ts from "typescript";
import { ClosureNames, isPlainField } from "./closure_names.js";
import { nodesIn } from "./nodes.js";

/** @typedef {(node: ts.Node) => string} Text the new text of a node */
/** @typedef {(node: ts.Node, replace: Replace) => string | undefined} Replace the new text of a node; undefined: as it is */

export class Closures {
  #checker;
  /** @type {Set<ts.Node>} */
  #classes;
  /** @type {Set<ts.Node>} */
  #unused;

  /**
   * @param {ts.SourceFile[]} modules
   * @param {ts.TypeChecker} checker of the program that has the modules
   * @param {Set<string>} publicNames of properties
   */
  constructor(modules, checker, publicNames) {
    this.#checker = checker;
    const nodes = modules.flatMap((each) => [...nodesIn(each)]);
    this.#classes = new Set(nodes.filter(isSelfContained));
    for (const type of nodes.flatMap((each) => checkedTypes(each, checker)))
      for (const each of type.symbol?.declarations ?? []) this.#classes.delete(each);
    this.#unused = unusedMembers(this.#classes, nodes, publicNames);
  }

  /** The text of a module with functions in place of its classes. @param {ts.SourceFile} module */
  textOf(module) {
    return rewritten(module, this.#replace);
  }

  /** @type {Replace} */
  #replace = (node, replace) => {
    if (this.#classes.has(node)) return this.#function(/** @type {any} */ (node));
    const isCall = ts.isNewExpression(node) && this.#makes(node);
    return isCall ? withChildren(node, replace).replace(/^new /, "") : undefined;
  };

  /** @param {ts.NewExpression} node */
  #makes(node) {
    const declarations = this.#checker.getTypeAtLocation(node).symbol?.declarations ?? [];
    return declarations.some((each) => this.#classes.has(each));
  }

  /** @param {ts.ClassDeclaration & {name: ts.Identifier}} node */
  #function(node) {
    const { maker, fields, visible, hidden } = membersOf(node, this.#unused);
    const names = new ClosureNames(node, maker, this.#checker);
    /** @type {Replace} */
    const replaceOwn = (each, replace) => names.replacement(each) ?? this.#replace(each, replace);
    const text = (/** @type {ts.Node} */ each) => rewritten(each, replaceOwn);
    const statements = [...(maker?.body?.statements ?? [])];
    const self = `const this$ = {${visible.map((each) => visibleMember(each, text)).join()}};`;
    const isLast = statements.every(isPlainField); // otherwise they may use it
    const lines = [
      ...fields.filter((each) => !names.isSetFirst(each)).map((each) => declaration(each, text)),
      isLast ? "" : self,
      ...statements.map((each) => names.statement(each, text)),
      isLast ? self : "",
      ...hidden.map((each) => hiddenFunction(each, text)),
      "return this$;",
    ];
    const parameters = (maker?.parameters ?? []).map(text).join();
    const head = node.modifiers ? "export function" : "function";
    return `${head} ${node.name.text}(${parameters}) {\n${lines.join("\n")}\n}`;
  }
}

/** A class that no other code depends on being one. @param {ts.Node} node */
function isSelfContained(node) {
  if (!ts.isClassDeclaration(node) || !node.name || node.heritageClauses) return false;
  const { Static } = ts.ModifierFlags;
  const isOdd = (/** @type {ts.ClassElement} */ each) =>
    ts.getCombinedModifierFlags(each) & Static || (ts.isSetAccessor(each) && isHidden(each));
  const isForeign = (/** @type {ts.Node} */ each) =>
    ts.isPrivateIdentifier(each) &&
    ts.isPropertyAccessExpression(each.parent) &&
    each.parent.expression.kind !== ts.SyntaxKind.ThisKeyword;
  return !node.members.some(isOdd) && ![...nodesIn(node)].some(isForeign);
}

/** The types whose objects a node spreads or looks at. @param {ts.Node} node @param {ts.TypeChecker} checker */
function checkedTypes(node, checker) {
  if (ts.isSpreadAssignment(node)) return [checker.getTypeAtLocation(node.expression)];
  const { InstanceOfKeyword } = ts.SyntaxKind;
  const isCheck = ts.isBinaryExpression(node) && node.operatorToken.kind === InstanceOfKeyword;
  return isCheck ? [checker.getTypeAtLocation(node.right)] : [];
}

/**
 * Methods and getters whose names no code uses, but such methods and getters themselves.
 * @param {Set<ts.Node>} classes
 * @param {ts.Node[]} nodes of all modules
 * @param {Set<string>} publicNames
 */
function unusedMembers(classes, nodes, publicNames) {
  /** @type {Map<string, ts.Node[]>} */
  const uses = new Map();
  for (const node of nodes.filter(ts.isIdentifier))
    uses
      .set(node.text, uses.get(node.text) ?? [])
      .get(node.text)
      ?.push(node);
  /** @type {Set<ts.Node>} */
  const unused = new Set();
  const isUnused = (/** @type {ts.ClassElement} */ member) =>
    uses.get(member.name?.getText() ?? "")?.every((use) => {
      const owner = ts.findAncestor(use, ts.isClassElement);
      return owner === member || (owner && unused.has(owner));
    });
  const members = [...classes].flatMap((each) => methodsOf(/** @type {any} */ (each)));
  for (let size = -1; size < unused.size; ) {
    size = unused.size;
    for (const each of members)
      if (!publicNames.has(each.name.getText()) && isUnused(each)) unused.add(each);
  }
  return unused;
}

/** Its methods and getters with plain names. @param {ts.ClassDeclaration} node */
function methodsOf(node) {
  const methods = node.members.filter(
    (each) => ts.isMethodDeclaration(each) || ts.isGetAccessor(each),
  );
  return methods.filter(({ name }) => ts.isIdentifier(name));
}

/** @param {ts.Node} node @param {Replace} replace @returns {string} */
function rewritten(node, replace) {
  return replace(node, replace) ?? withChildren(node, replace);
}

/** @param {ts.Node} node @param {Replace} replace of the nodes within */
function withChildren(node, replace) {
  const source = node.getSourceFile().text;
  let [text, end] = ["", node.getStart()];
  ts.forEachChild(node, (child) => {
    text += source.slice(end, child.getStart()) + rewritten(child, replace);
    end = child.end;
  });
  return text + source.slice(end, node.end);
}

/** @param {ts.ClassElement} member */
function isHidden({ name }) {
  return name !== undefined && ts.isPrivateIdentifier(name);
}

/** A field that says nothing but its name. @param {ts.ClassElement} member */
function isBare(member) {
  return ts.isPropertyDeclaration(member) && !member.initializer;
}

/** @param {ts.ClassDeclaration} node @param {Set<ts.Node>} unused members */
function membersOf(node, unused) {
  const isMember = (/** @type {ts.ClassElement} */ each) =>
    !ts.isConstructorDeclaration(each) && !unused.has(each);
  const members = node.members.filter(isMember);
  const hidden = members.filter(isHidden);
  return {
    maker: node.members.find(ts.isConstructorDeclaration),
    fields: hidden.filter(ts.isPropertyDeclaration),
    hidden: hidden.filter((each) => ts.isMethodDeclaration(each) || ts.isGetAccessor(each)),
    visible: members.filter((each) => !isHidden(each) && !isBare(each)),
  };
}

/** @param {ts.PropertyDeclaration} field @param {Text} text */
function declaration({ name, initializer }, text) {
  return `let ${text(name)}${initializer ? ` = ${text(initializer)}` : ""};`;
}

/** @param {ts.ClassElement} member @param {Text} text */
function visibleMember(member, text) {
  if (!ts.isPropertyDeclaration(member) || !member.initializer) return text(member);
  return `${text(member.name)}: ${text(member.initializer)}`;
}

/** @param {ts.MethodDeclaration | ts.GetAccessorDeclaration} member @param {Text} text */
function hiddenFunction({ modifiers, asteriskToken, name, parameters, body }, text) {
  const head = `${modifiers?.map(text).join(" ") ?? ""} function${asteriskToken ? "*" : ""}`;
  return `${head} ${text(name)}(${parameters.map(text).join()}) ${body && text(body)}`;
}

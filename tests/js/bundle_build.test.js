/** The changes of the sources before `npm run bundles` joins them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import ts from "typescript";

import { readClient } from "../../release/bundles/build.js";
import { Closures } from "../../release/bundles/closures.js";
import { shortNames } from "../../release/bundles/short_names.js";

const root = new URL("../../", import.meta.url);

/** A program with this module alone. @param {string} text */
function programOf(text) {
  const path = "/module.js";
  const options = { allowJs: true, noLib: true, target: ts.ScriptTarget.ES2022 };
  const host = ts.createCompilerHost(options);
  const module = ts.createSourceFile(path, text, options.target, true);
  host.getSourceFile = (name) => (name === path ? module : undefined);
  const program = ts.createProgram([path], options, host);
  const source = /** @type {ts.SourceFile} */ (program.getSourceFile(path));
  return { program, module: source, checker: program.getTypeChecker() };
}

/** The module with functions. @param {string} text */
function converted(text) {
  const { module, checker } = programOf(text);
  return new Closures([module], checker, new Set(["n", "wait", "hidden", "all", "swap"])).textOf(
    module,
  );
}

/** The exports of a module. @param {string} text */
function load(text) {
  return import(`data:text/javascript,${encodeURIComponent(text)}`);
}

const COUNT = `
  const step = 100;
  export class Count {
    #n = 0;
    #step;
    #log = [];
    unit = "s";
    constructor({ step, from = 5 }, unit) {
      this.#step = step;
      this.#n = from;
      if (unit) this.unit = unit;
    }
    get n() { return this.#n; }
    set n(n) { this.#n = n; }
    get #double() { return 2 * this.#n; }
    add() { this.#n += this.#step; this.#note(step); return this; }
    addLater = () => this.add();
    async wait() { await null; return this.#double; }
    async #hidden() { return this.unit; }
    hidden() { return this.#hidden(); }
    *#all() { yield* this.#log; }
    all() { return [...this.#all()]; }
    #note(entry) { this.#log = [...this.#log, entry]; }
    unused() { return this.unusedToo(); }
    unusedToo() { return this.n; }
    swap() { [this.#n, this.#step] = [this.#step, this.#n]; return this; }
  }
  export const make = (...values) => new Count(...values);
`;

describe("a function", () => {
  test("does what its class does", async () => {
    const text = converted(COUNT);
    assert.doesNotMatch(text, /class|#|new |unused/);
    /** @param {any} module */
    const use = async ({ make }) => {
      const count = make({ step: 2 }, "ms");
      const { addLater } = count;
      addLater().add();
      const before = [count.n, await count.wait(), await count.hidden(), count.all()];
      count.n = 40;
      return [...before, count.swap().n, count.add().n, make({ step: 1, from: 3 }).unit];
    };
    const expected = [9, 18, "ms", [100, 100], 2, 42, "s"];
    assert.deepEqual(await use(await load(COUNT)), expected);
    assert.deepEqual(await use(await load(text)), expected);
  });

  test("is the method that an arrow function passes all its arguments to, as they are", async () => {
    const text = converted(`
      class Passing {
        #twice(n) { return 2 * n; }
        #keys(object) { return Object.keys(object).join(); }
        all() { return [(n) => this.#twice(n), ({ n }) => this.#keys({ n }), (n = 5) => this.#twice(n)]; }
      }
      export const [twice, keys, orTen] = new Passing().all();
    `);
    assert.match(text, /\[twice\$,/);
    const { twice, keys, orTen } = await load(text);
    assert.deepEqual([twice(4), keys({ n: 1, m: 2 }), orTen()], [8, "n", 10]);
  });

  for (const [reason, text] of Object.entries({
    "a base class": "class Base {} ; export class X extends Array { #a = 1; }",
    "static members": "export class X { static #a = 1; #b = 2; }",
    "members of others": "export class X { #a = 1; same(other) { return other.#a === this.#a; } }",
    "objects that are spread": "export class X { #a = 1; } ; export const y = { ...new X() };",
    instanceof: "export class X { #a = 1; } ; export const y = (x) => x instanceof X;",
  })) {
    test(`does not replace a class with ${reason}`, () => {
      assert.match(converted(text), /class X/);
    });
  }

  test("replaces most classes of the client", () => {
    const { modules, closures } = readClient();
    const count = (/** @type {(module: ts.SourceFile) => string} */ textOf) =>
      modules
        .map(textOf)
        .join()
        .match(/^export class/gm)?.length ?? 0;
    const kept = count((module) => closures.textOf(module));
    assert.ok(kept < count((module) => module.text) / 5, `${kept}`);
  });
});

describe("short names", () => {
  const { internal: names } = readClient();

  test("have the members and callbacks of internal classes", () => {
    for (const name of ["messaging", "onPageHide", "measureLatency"])
      assert.ok(names.has(name), name);
    assert.ok(names.size > 100, `${names.size}`);
  });

  test("have no names of objects that browsers make", () => {
    for (const name of ["left", "right", "width", "resolve"]) assert.ok(!names.has(name), name);
  });

  test("have no names that copies of the client share on a page", () => {
    for (const name of ["client", "options"]) assert.ok(!names.has(name), name);
  });

  test("have no names on the wire", () => {
    const protocol = readFileSync(new URL("docs/protocol.md", root), "utf8");
    const frames = protocol.match(/(?<=```json\n)[^`]+/g) ?? [];
    const keys = frames.join().match(/(?<=")\w+(?=":)/g) ?? [];
    assert.ok(keys.length > 100, `${keys.length}`);
    assert.deepEqual(
      [...new Set(keys)].filter((key) => names.has(key)),
      [],
    );
  });

  test("have no public names", () => {
    const folder = new URL("realtime/js/types/", root);
    for (const name of ["client", "events", "emitter", "backoff", "browser_environment"]) {
      const text = readFileSync(new URL(`${name}.d.ts`, folder), "utf8");
      const words = text
        .replace(/\/\*.*?\*\/|#\w+/gs, "")
        .match(/(?<=^ +(?:get |set )?)\w+(?=[?(<:])/gm);
      assert.ok(words?.length, name);
      assert.deepEqual(
        words.filter((word) => names.has(word)),
        [],
        name,
      );
    }
  });
});

describe("one short name", () => {
  const { module, checker } = programOf(`
    class Timer { since = 0; cancel() { this.since = 0; } }
    class Clock { base = 0; start() { return this.base; } }
    /** @param {{first: number} | {second: number}} either */
    function read(either) { return "first" in either ? either.first : either.second; }
    const both = { ...new Timer(), offset: 1 };
    export const all = [new Timer().cancel(), new Clock().start(), read({ first: 1 }), both.offset, both.t];
  `);
  const names = ["since", "cancel", "base", "start", "first", "second", "offset"];
  const short = shortNames(checker, [module], new Set(names));

  test("serves properties that no object has together", () => {
    assert.equal(new Set([short.since, short.cancel]).size, 2);
    assert.deepEqual([short.base, short.start].sort(), [short.since, short.cancel].sort());
  });

  test("does not where an object may have both", () => {
    assert.notEqual(short.offset, short.since);
    assert.notEqual(short.first, short.second);
  });

  test("does not where an object passes as one that may have the other", () => {
    const { module, checker } = programOf(`
      /** @param {{head: number, tail?: number}} list */
      function end(list) { return list.tail; }
      const whole = { head: 1, extra: 2 };
      export const none = end(whole);
    `);
    const short = shortNames(checker, [module], new Set(["head", "tail", "extra"]));
    assert.notEqual(short.tail, short.extra);
  });

  test("is none that a property has already", () => {
    assert.ok(!Object.values(short).includes("t"), JSON.stringify(short));
  });
});

/** The bundles that pages load: as the sources make them, each in one file, small. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "realtime/static/realtime");
const here = join(root, "tests/js");
const scratch = mkdtempSync(join(tmpdir(), "realtime-bundles-"));
after(() => rmSync(scratch, { recursive: true }));

/** @param {string} path */
const scripts = (path) => readdirSync(path).filter((name) => name.endsWith(".js"));

/** @param {string} name */
const read = (name, path = folder) => readFileSync(join(path, name), "utf8");

test("the bundles are those of the sources (`npm run bundles` writes them)", () => {
  const options = { cwd: root, stdio: /** @type {const} */ ("pipe") };
  execFileSync("npm", ["run", "bundles", "--", `--outdir=${scratch}`], options);
  assert.deepEqual(scripts(folder), scripts(scratch));
  for (const name of scripts(scratch)) assert.equal(read(name), read(name, scratch), name);
});

for (const [name, kibibytes] of /** @type {[string, number][]} */ ([
  ["realtime.js", 12],
  ["realtime-status.js", 21],
])) {
  test(`${name} is at most ${kibibytes} KiB, gzipped`, () => {
    const size = gzipSync(read(name), { level: 9 }).length;
    assert.ok(size <= kibibytes * 1024, `${size} bytes`);
  });
}

test("the client's tests pass with the bundle in place of its modules", () => {
  const own = /from "\.\.\/\.\.\/realtime\/js\/(?!client|index)/; // these look into a module
  const tests = scripts(here).filter((name) => {
    const text = read(name, here);
    return (
      name.endsWith(".test.js") && /"\.\/pages\.js"|js\/index\.js/.test(text) && !own.test(text)
    );
  });
  assert.ok(tests.length > 15, `${tests}`);
  const { NODE_TEST_CONTEXT, ...env } = process.env; // or it would run none
  const options = { cwd: here, env, encoding: /** @type {const} */ ("utf8") };
  const argv = ["--import", "./use_bundle.js", "--test", "--test-reporter=tap", ...tests];
  const { status, stdout } = spawnSync(process.execPath, argv, options);
  assert.equal(status, 0, stdout.match(/^not ok.*|^ +not ok.*/gm)?.join("\n"));
  assert.match(stdout, /^# pass [1-9]\d\d/m);
});

test("no bundle needs another file", () => {
  const foreign = /\bimport\s*["'({*]|\bfrom\s*["']|sourceMappingURL/;
  for (const name of scripts(folder)) assert.doesNotMatch(read(name), foreign, name);
});

test("the larger one contains the client", async () => {
  const names = async (/** @type {string} */ name) => Object.keys(await import(join(folder, name)));
  assert.deepEqual(await names("realtime.js"), ["RealtimeClient", "connect"]);
  const all = ["RealtimeClient", "RealtimeStatus", "connect"];
  assert.deepEqual(await names("realtime-status.js"), all);
});

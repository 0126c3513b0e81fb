/** The client as an npm package: files and types. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "realtime/js");
const scratch = mkdtempSync(join(tmpdir(), "realtime-types-"));
after(() => rmSync(scratch, { recursive: true }));

const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** The modules that this one needs, itself included. @param {string} entry */
async function modules(entry) {
  const { metafile } = await build({
    entryPoints: [join(folder, entry)],
    absWorkingDir: folder,
    bundle: true,
    format: "esm",
    write: false,
    metafile: true,
    external: ["react", "vue"],
  });
  return Object.keys(metafile.inputs);
}

/** @param {string} path */
function declarations(path) {
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".d.ts")).sort();
}

test("the declarations match the code (`npm run declarations` writes them)", () => {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.types.json", "--outDir", scratch], {
    cwd: root,
  });
  const kept = join(folder, "types");
  assert.deepEqual(declarations(kept), declarations(scratch));
  for (const name of declarations(scratch)) {
    const [old, fresh] = [kept, scratch].map((path) => readFileSync(join(path, name), "utf8"));
    assert.equal(old, fresh, name);
  }
});

test("the package contains the client, the element, the hooks and their types only", async () => {
  const options = { cwd: folder, encoding: /** @type {const} */ ("utf8") };
  const [packed] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json"], options));
  const paths = packed.files.map((/** @type {{path: string}} */ { path }) => path).sort();
  const entries = ["status.js", "react.js", "vue.js"];
  const files = new Set((await Promise.all(entries.map(modules))).flat());
  const own = ["react_types.d.ts", "status_types.d.ts", "vue_types.d.ts"];
  const types = declarations(join(folder, "types")).map((name) => `types/${name}`);
  assert.deepEqual(paths, [...files, ...types, ...own, "package.json"].sort());
});

test("its version equals the Python package's and that in the client's hello", () => {
  const version = /^__version__ = "(.+)"$/m.exec(
    readFileSync(join(root, "realtime/__init__.py"), "utf8"),
  )?.[1];
  assert.equal(manifest.version, version);
  assert.ok(readFileSync(join(folder, "client.js"), "utf8").includes(`"realtime-js/${version}"`));
});

test("each export exists, with its types", () => {
  /** @type {(string | Record<string, string>)[]} */
  const targets = Object.values(manifest.exports);
  for (const target of targets) {
    const paths = typeof target === "string" ? [target] : Object.values(target);
    for (const path of paths) assert.ok(readFileSync(join(folder, path)).length, path);
  }
});

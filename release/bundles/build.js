/** Writes the bundles that pages load: `npm run bundles`. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, transformSync } from "esbuild";
import { minify } from "terser";
import ts from "typescript";
import { Closures } from "./closures.js";
import { internalNames, publicNames } from "./internal_names.js";
import { shortNames } from "./short_names.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CLIENT = join(ROOT, "realtime/js");
const ENTRIES = { realtime: "index.js", "realtime-status": "status.js" };

/** @type {import("esbuild").BuildOptions} */
const OPTIONS = {
  absWorkingDir: CLIENT,
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8", // as browsers read all modules
  logLevel: "warning",
};

/**
 * Terser inlines what is used once, and shortens the names of functions within functions better. Nothing looks at
 * the `prototype` of a function.
 * @type {import("terser").MinifyOptions}
 */
const SMALLER = {
  module: true,
  ecma: 2020,
  compress: {
    inline: 1,
    passes: 4,
    sequences: false, // they repeat less than statements
    unsafe_arrows: true,
  },
};

/** The modules of the client, and what is known about them. */
export function readClient() {
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, ROOT);
  const paths = Object.values(ENTRIES).map((name) => join(CLIENT, name));
  const program = ts.createProgram(paths, options);
  const modules = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(CLIENT));
  const entries = modules.filter(({ fileName }) => paths.includes(fileName));
  const checker = program.getTypeChecker();
  const published = publicNames(checker, modules, entries);
  const internal = internalNames(program, modules, published);
  const short = shortNames(checker, modules, internal);
  return { modules, internal, short, closures: new Closures(modules, checker, published) };
}

/** @param {ReturnType<typeof readClient>} client @returns {import("esbuild").Plugin} */
function asClosures({ modules, closures }) {
  return {
    name: "closures",
    setup({ onLoad }) {
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        const module = modules.find(({ fileName }) => fileName === path);
        return { contents: withSmallStyles(closures.textOf(/** @type {any} */ (module))) };
      });
    },
  };
}

/** Style sheets are texts of modules, which no minifier looks into. @param {string} text of a module */
function withSmallStyles(text) {
  return text.replace(/(?<=_CSS = )`([^`]*)`/g, (_, css) => {
    const { code } = transformSync(css, { loader: "css", minify: true });
    return JSON.stringify(code.trim().replace(/([:,]) /g, "$1")); // it keeps spaces of custom properties
  });
}

/** @param {string} folder */
async function write(folder) {
  const client = readClient();
  const { outputFiles = [] } = await build({
    ...OPTIONS,
    entryPoints: ENTRIES,
    minifySyntax: true,
    mangleProps: new RegExp(`^(${[...client.internal].join("|")})$`),
    mangleCache: client.short,
    plugins: [asClosures(client)],
    outdir: folder,
    write: false,
  });
  mkdirSync(folder, { recursive: true });
  for (const { path, text } of outputFiles) {
    const { code } = await minify(text, SMALLER);
    writeFileSync(path, `${code}\n`);
  }
  // Its properties are those of answers of the server, which the types do not tell apart.
  const admin = { "realtime-admin": "admin/live.js" };
  await build({ ...OPTIONS, entryPoints: admin, minify: true, outdir: folder });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { outdir: { type: "string" } } });
  await write(values.outdir ?? join(ROOT, "realtime/static/realtime"));
}

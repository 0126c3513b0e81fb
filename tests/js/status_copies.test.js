/** A page that loads the element twice, as a bundle and from the npm package. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { languages } from "../../realtime/js/status/i18n.js";

/** @type {Map<string, unknown>} */
const registry = new Map();

before(() => {
  const customElements = {
    get: (/** @type {string} */ name) => registry.get(name),
    define(/** @type {string} */ name, /** @type {unknown} */ definition) {
      assert.ok(!registry.has(name));
      registry.set(name, definition);
    },
  };
  Object.assign(globalThis, { customElements });
});

after(() => Reflect.deleteProperty(globalThis, "customElements"));

test("the bundle has all texts by their names", async () => {
  const name = "static/realtime/realtime-status.js";
  const { RealtimeStatus } = await import(`../../realtime/${name}`);
  assert.deepEqual(RealtimeStatus.languages, languages);
});

test("all copies give the class of the page's elements", async () => {
  const names = ["static/realtime/realtime-status.js", "js/status.js"];
  const [first, second] = await Promise.all(names.map((name) => import(`../../realtime/${name}`)));
  assert.equal(registry.get("realtime-status"), first.RealtimeStatus);
  assert.equal(second.RealtimeStatus, first.RealtimeStatus);
  second.RealtimeStatus.addLanguage("zz", { connected: "zzz" });
  assert.equal(first.RealtimeStatus.languages.zz.connected, "zzz");
});

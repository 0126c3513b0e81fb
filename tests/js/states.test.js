import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";

import { goodbye, page } from "./pages.js";
import { seeded } from "./random.js";

/** The table of docs/client.md: state → the states that it leads to. */
const LEADS_TO = new Map(
  [
    ...readFileSync(new URL("../../docs/client.md", import.meta.url), "utf8").matchAll(
      /^\| `(\w+)` \| [^|]+ \| ((?:\w+(?:, )?)+) \|$/gm,
    ),
  ].map(([, state = "", others = ""]) => [state, others.split(", ")]),
);

const SEEDS = Array.from({ length: 100 }, (_, i) => i + 1);

/** All that a client has gone through, as "connecting → connected". @type {Set<string>} */
const seen = new Set();

test("the table has the five states", () => {
  assert.deepEqual(
    [...LEADS_TO.keys()],
    ["disconnected", "connecting", "connected", "unstable", "error"],
  );
});

for (const seed of SEEDS) {
  test(`a client goes the ways of the table (${seed})`, () => {
    const random = seeded(seed);
    const { browser, client } = page({ backoff: { maxAttempts: 3 } });
    client.on("state", ({ previous, state }) => {
      if (state === previous) return;
      assert.ok(LEADS_TO.get(previous)?.includes(state), `${previous} → ${state}`);
      seen.add(`${previous} → ${state}`);
    });
    /** @param {(socket: import("./browser.js").FakeSocket) => void} act on an open socket */
    const server = (act) => () => {
      const socket = browser.sockets.at(-1);
      if (socket && socket.readyState < 2) act(socket);
    };
    const codes = [1000, 1012, 4002, 4008, 4500, 4501, 4503, 4506];
    const acts = [
      () => client.connect(),
      () => client.connect(),
      () => random() < 0.3 && client.disconnect(),
      () => client.resetReconnectState(),
      () => client.enableAutoReconnect(),
      () => random() < 0.3 && client.disableAutoReconnect(),
      () => browser.advance(random() * 5000),
      () => browser.advance(30_000),
      () => browser.sleep(60_000),
      () => browser.hidePage(),
      () => browser.restorePage(),
      () => browser.document.dispatchEvent(new Event("freeze")),
      () => browser.document.dispatchEvent(new Event("resume")),
      () => browser.window.dispatchEvent(new Event("online")),
      server((socket) => socket.welcome()),
      server((socket) => socket.welcome()),
      server((socket) => socket.welcome()),
      server((socket) => socket.receive({ type: "ping", sequence: 1, timestamp: "" })),
      server((socket) => socket.drop(random() < 0.5 ? 1006 : 4505)),
      server((socket) => socket.receive(goodbye(codes[Math.floor(random() * codes.length)] ?? 0))),
    ];
    for (let step = 0; step < 300; step += 1) acts[Math.floor(random() * acts.length)]?.();
  });
}

after(() => {
  const all = [...LEADS_TO].flatMap(([from, others]) => others.map((to) => `${from} → ${to}`));
  assert.deepEqual([...seen].sort(), all.sort());
});

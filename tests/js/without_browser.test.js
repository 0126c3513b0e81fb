/** Environments without a full browser: servers that render pages, and tests of applications. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "realtime/js");
const scratch = mkdtempSync(join(tmpdir(), "realtime-bare-"));
after(() => rmSync(scratch, { recursive: true }));

/**
 * The output of a script in a new Node process, which must print no warnings.
 * @param {string} script
 */
function run(script) {
  const options = ["--input-type=module", "--throw-deprecation", "-e", script];
  return execFileSync(process.execPath, options, { cwd: root, encoding: "utf8" }).trim();
}

/** @type {Record<string, string>} */
const EXPORTS = {
  "index.js": "RealtimeClient,connect",
  "status.js": "RealtimeClient,RealtimeStatus,connect",
  "status/element.js": "RealtimeStatus",
};

for (const name of Object.keys(EXPORTS)) {
  test(`${name} can be imported without a browser, and without a TextEncoder`, () => {
    const script = `
      delete globalThis.TextEncoder;
      const found = await import(${JSON.stringify(join(folder, name))});
      console.log(Object.keys(found).join());
    `;
    assert.equal(run(script), EXPORTS[name]);
  });
}

test("a client with an absolute address needs no page", () => {
  const script = `
    import { RealtimeClient } from ${JSON.stringify(join(folder, "index.js"))};
    class WebSocket { send() {} close() {} }
    const client = new RealtimeClient({ url: "wss://example.com/ws/", environment: { WebSocket } });
    client.connect();
    client.join("news");
    console.log(client.state);
    client.disconnect();
  `;
  assert.equal(run(script), "connecting");
});

test("the package has types for options, events and errors", () => {
  const lines = `
    import {
      type Backoff, type BytesDetail, type ClientEvents, type ClientState, type Environment,
      type EstablishedDetail, type FrameDetail, type JoinedDetail, type LastError, type LatencyDetail,
      type LeftDetail, type LostDetail, type MessageDetail, type NoticeDetail, type Options,
      type Position, type ResyncDetail, type RoomError, type RoomEvents, type RoomHandle, type RoomMessage,
      type RoomOptions, type SendError, type ServerErrorDetail, type StateDetail, type Stats, type Use,
      connect, RealtimeClient,
    } from "channels-realtime";
    import { type RealtimeClient as Shown, RealtimeStatus, type Words } from "channels-realtime/status.js";

    const backoff: Partial<Backoff> = { base: 5 };
    const options: Options = { url: "/ws/", backoff };
    const client: RealtimeClient = connect(options);
    const shown: Shown = client;
    const target: EventTarget = client;
    client.addEventListener("message", ({ detail }) => hear(detail));
    client.addEventListener("bytes", ({ detail }: ClientEvents["bytes"]) => detail.data.byteLength);
    client.addEventListener("left", { handleEvent: ({ detail }) => leave(detail) }, { once: true });
    function hear(detail: MessageDetail): number { return detail.offset; }
    function leave(detail: LeftDetail): string | null { return detail.code; }
    client.on("message", (detail) => hear(detail));
    const since: Position = { epoch: "k3", offset: 41 };
    const start: RoomOptions = { since };
    interface ChatMessage { text: string }
    const room: RoomHandle<ChatMessage> = client.room<ChatMessage>("chat:lobby", start);
    room.on("message", ({ data }: RoomMessage<ChatMessage>) => data.text.trim());
    room.once("resync", ({ initial }: RoomEvents["resync"]) => initial);
    room.joined.catch((error: RoomError) => error.code.trim());
    export async function read() { for await (const { data } of room) data.text.trim(); }
    client.room("news").on("message", ({ data }) => data.anything);
    const use: Use = client.acquire();
    use.release();
    const state: ClientState = client.state;
    client.send("chat", {}).catch((error: SendError) => error.code.toUpperCase());
    const sent: boolean = client.sendBytes(new Uint8Array(3));
    RealtimeStatus.addLanguage("de", { connected: "verbunden" } satisfies Partial<Words>);
    // @ts-expect-error misspelt
    client.addEventListener("mesage", () => {});
    // @ts-expect-error misspelt
    room.on("mesage", () => {});
    // @ts-expect-error not a field of a ChatMessage
    room.on("message", ({ data }) => data.txt);
    // @ts-expect-error a text is no bytes
    client.sendBytes("text");
    // @ts-expect-error misspelt
    connect({ autoReconect: false });
    export const all: [Environment, EstablishedDetail, FrameDetail, JoinedDetail, LastError, LatencyDetail,
      LostDetail, NoticeDetail, ResyncDetail, ServerErrorDetail, StateDetail, Stats][] = [];
    export { sent, shown, state, target };
  `;
  writeFileSync(join(scratch, "page.ts"), lines);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "ES2022",
    module: "ESNext",
    moduleResolution: "Bundler",
    lib: ["DOM", "ES2022"],
    types: [],
    paths: {
      "channels-realtime": [join(folder, "types/index.d.ts")],
      "channels-realtime/status.js": [join(folder, "types/status.d.ts")],
    },
  };
  const config = { compilerOptions, files: ["page.ts"] };
  writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  try {
    execFileSync(process.execPath, [tsc, "-p", scratch], { encoding: "utf8" });
  } catch (error) {
    assert.fail(/** @type {any} */ (error).stdout);
  }
});

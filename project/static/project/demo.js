/** The demo page: the state of the connection, and its frames in words. */

import { connect } from "../realtime/realtime-status.js";
import { clock, element } from "./dom.js";

/** @typedef {Record<string, any>} Frame */

const WIRE_LINES = 20;

const client = connect();
const dot = document.getElementById("realtime-dot");
const word = document.getElementById("realtime-word");
const lastFrame = document.getElementById("realtime-last-frame");
const wire = document.getElementById("realtime-wire");
let lastFrameAt = 0;

client.addEventListener("state", show);
client.addEventListener("frame", ({ detail }) => showFrame(detail));
setInterval(show, 1000);
show();

function show() {
  const stats = client.stats();
  if (dot) dot.dataset.state = stats.state;
  write(word, describe(stats));
  write(
    lastFrame,
    lastFrameAt ? ` · last frame from the server ${ago(Date.now() - lastFrameAt)}` : "",
  );
}

/** @param {import("../realtime/realtime-status.js").Stats} stats */
function describe({ state, attempts, reason, degraded }) {
  if (state === "connected" && degraded) return "connected, but the server cannot reach its data";
  const restarts = reason === "server restarting" ? `: ${reason}` : "";
  if (state === "connecting" && attempts > 1) return `connecting, attempt ${attempts}${restarts}`;
  if (state === "connecting") return `connecting${restarts}`;
  if (state === "disconnected" || state === "error") return reason ? `${state}: ${reason}` : state;
  return state;
}

/** @param {number} ms */
function ago(ms) {
  if (ms < 1500) return "just now";
  return ms < 90_000 ? `${Math.round(ms / 1000)} s ago` : `${Math.round(ms / 60_000)} min ago`;
}

/**
 * @param {HTMLElement | null} element
 * @param {string} text
 */
function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** @param {{direction: "in" | "out", frame: Frame}} detail */
function showFrame({ direction, frame }) {
  if (direction === "in") lastFrameAt = Date.now();
  wire?.replaceChildren(line(direction, frame), ...lines().slice(0, WIRE_LINES - 1));
  show();
}

function lines() {
  return [...(wire?.querySelectorAll(".in, .out") ?? [])];
}

/**
 * @param {"in" | "out"} direction
 * @param {Frame} frame
 */
function line(direction, frame) {
  const item = document.createElement("li");
  item.className = direction;
  item.append(
    element("time", clock(new Date())),
    element("b", direction === "in" ? "server" : "this page"),
    element("span", sentence(direction, frame)),
  );
  return item;
}

/**
 * A frame as a sentence, without its session and token: others may see the screen.
 * @param {"in" | "out"} direction
 * @param {Frame} frame
 */
function sentence(direction, frame) {
  const sentences = direction === "in" ? SERVER_SENTENCES : PAGE_SENTENCES;
  return sentences[frame.type]?.(frame) ?? `(a frame of type ${frame.type})`;
}

/** @type {Record<string, (frame: Frame) => string>} */
const SERVER_SENTENCES = {
  welcome: ({ resumed }) =>
    resumed ? "Welcome back, your session goes on." : "Welcome, this is a new session.",
  ping: ({ sequence }) => `Are you there? (beat ${sequence})`,
  pong: ({ online }) => `I am here. Sessions online: ${online}`,
  notice: ({ state }) =>
    state === "ok" ? "I reach my data again." : "I cannot reach my data at the moment.",
  goodbye: ({ reason }) => `Goodbye: ${reason}`,
  joined: ({ room, recovered, after, offset }) => {
    if (after < offset) return `You are in ${room}; its last ${offset - after} follow.`;
    return recovered ? `You are in ${room}; what you missed follows.` : `You are in ${room}.`;
  },
  left: ({ room }) => `You have left ${room}.`,
  publication: ({ room, offset, replayed }) =>
    `In ${room} this was published${replayed ? " before you came," : ""} as number ${offset}.`,
  presence: ({ room, users, sessions }) =>
    `In ${room}: ${users} ${users === 1 ? "user" : "users"}, ${sessions} open ${sessions === 1 ? "page" : "pages"}.`,
  acks: ({ items }) => {
    const refused = items.find((/** @type {Frame} */ { code }) => code);
    if (refused) return `I cannot do that: ${refused.detail}`;
    return items.length === 1 ? "I have your message." : `I have your ${items.length} messages.`;
  },
  reply: ({ done }) => (done ? "That was my answer." : "A part of my answer."),
  error: ({ id, detail }) => `${id ? "I cannot do that" : "I did not understand"}: ${detail}`,
};

/** @type {Record<string, (frame: Frame) => string>} */
const PAGE_SENTENCES = {
  hello: ({ resume }) => (resume ? "Hello, I was here before." : "Hello."),
  ping: () => "Are you there?",
  pong: ({ sequence }) => `I am here. (beat ${sequence})`,
  visibility: ({ state }) => (state === "visible" ? "I am visible." : "I am hidden."),
  join: ({ room }) => `I want to join ${room}.`,
  leave: ({ room }) => `I leave ${room}.`,
  presence: ({ room }) => `Tell me the users in ${room}.`,
  messages: ({ room, items }) =>
    `Please publish ${items.length === 1 ? "this" : `these ${items.length}`} in ${room}.`,
  request: ({ name }) => `Please answer ${name}.`,
  cancel: () => "I no longer need that answer.",
  reply_received: ({ count }) => `I have read ${count} parts of your answer.`,
  received: ({ count }) => `I have received ${count} publications.`,
  bye: () => "Bye, I end this session.",
};

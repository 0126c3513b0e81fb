/** The chat: what was said, and what this page says and the server does not have yet. */

import { connect } from "../realtime/index.js";
import { byId, element, entry, gap } from "./dom.js";

const ROOM = "chat:lobby";
const MOST = 200;

const client = connect();
const scroll = byId("chat");
const said = byId("chat-said");
const waiting = byId("chat-waiting");
const form = byId("chat-form");
const input = /** @type {HTMLInputElement} */ (byId("chat-text"));
/** @type {Map<string, HTMLElement>} what waits, by the tag that its publication will have */
const tagged = new Map();

client.addEventListener("message", ({ detail }) => detail.room === ROOM && hear(detail));
client.addEventListener("resync", ({ detail }) => detail.room === ROOM && miss(detail.reason));
client.addEventListener("left", ({ detail: { room, code } }) => {
  if (room === ROOM && code !== "disconnected") miss("left"); // after a disconnect it goes on
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  input.value = "";
  if (text) say(text);
});
client.join(ROOM);

/** @param {import("../realtime/events.js").MessageDetail} message */
function hear({ data, time }) {
  const { name, text, tag } = Object(data); // anybody at a shell may publish anything
  tagged.get(tag)?.remove();
  tagged.delete(tag);
  add(entry(name, time, text));
}

/** @param {"expired" | "epoch_changed" | "ahead" | "left"} reason */
function miss(reason) {
  const { expired, epochChanged, ahead, left } = said.dataset;
  add(gap({ expired, epoch_changed: epochChanged, ahead, left }[reason] ?? reason));
}

/** @param {HTMLElement} item */
function add(item) {
  const follows = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  said.append(item);
  if (said.childElementCount > MOST) said.firstElementChild?.remove();
  if (follows) scroll.scrollTop = scroll.scrollHeight;
}

/** @param {string} text */
function say(text) {
  const tag = `${Date.now()}-${Math.random()}`;
  const item = entry(form.dataset.name ?? "", Date.now(), text);
  item.className = "waiting";
  item.append(element("small", waiting.dataset.waiting));
  tagged.set(tag, item);
  waiting.append(item);
  scroll.scrollTop = scroll.scrollHeight;
  client.send(ROOM, { text, tag }).then(
    () => item.classList.remove("waiting"),
    (error) => refuse(item, text, tag, error.message),
  );
}

/**
 * @param {HTMLElement} item
 * @param {string} text
 * @param {string} tag
 * @param {string} reason
 */
function refuse(item, text, tag, reason) {
  const { refused, again } = waiting.dataset;
  tagged.delete(tag);
  const button = element("button", again);
  button.className = "link";
  button.addEventListener("click", () => {
    item.remove();
    say(text);
    input.focus();
  });
  item.className = "refused";
  item.lastElementChild?.replaceWith(element("small", `${refused}: ${reason}`), button);
}

/** The chat: the last messages of the room, and those of this page that the server does not have yet. */

import { connect } from "../realtime/realtime-status.js";
import { byId, element, entry, gap } from "./dom.js";

const ROOM = "chat:lobby";
const MAX_MESSAGES = 200;
const MAX_NAMES = 10; // four lines of a phone

const room = connect().room(ROOM, { rewind: 50 });
const scroll = byId("chat");
const people = byId("chat-people");
const messages = byId("chat-messages");
const waiting = byId("chat-waiting");
const form = byId("chat-form");
const input = /** @type {HTMLInputElement} */ (byId("chat-text"));
/** @type {Map<string, HTMLElement>} messages that wait, by the tag that their publication has */
const tagged = new Map();

room.on("message", show);
room.on("resync", ({ reason }) => showGap(reason));
room.on("left", ({ code }) => {
  if (code !== "disconnected") showGap("left"); // not after a disconnect
});
room.on("presence", showPeople);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  input.value = "";
  if (text) send(text);
});

/** @param {import("../realtime/realtime-status.js").RoomMessage} message */
function show({ data, time, replayed }) {
  const { name, text, tag } = Object(data); // a shell may publish anything
  messages.ariaLive = replayed ? "off" : "polite"; // a screen reader says what is new
  tagged.get(tag)?.remove();
  tagged.delete(tag);
  add(entry(name, time, text));
}

/** @param {import("../realtime/realtime-status.js").Presence<{name: string}>} presence */
function showPeople({ users, list }) {
  const names = (list ?? [])
    .map(({ data }) => data.name)
    .sort((one, other) => one.localeCompare(other));
  const shown = names.slice(0, MAX_NAMES);
  const { here, and, more } = people.dataset;
  if (users > shown.length) shown.push(`${and} ${users - shown.length} ${more}`);
  if (!users) return people.replaceChildren(); // the page itself comes with the next change
  people.replaceChildren(
    element("strong", `${users} ${here}`),
    list ? `: ${shown.join(", ")}` : "",
  );
}

/** @param {"expired" | "epoch_changed" | "ahead" | "unknown" | "left"} reason */
function showGap(reason) {
  const { expired, epochChanged, ahead, left } = messages.dataset;
  const words = { expired, epoch_changed: epochChanged, ahead, unknown: expired, left };
  add(gap(words[reason] ?? reason));
}

/** @param {HTMLElement} item */
function add(item) {
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  messages.append(item);
  if (messages.childElementCount > MAX_MESSAGES) messages.firstElementChild?.remove();
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

/** @param {string} text */
function send(text) {
  const tag = `${Date.now()}-${Math.random()}`;
  const item = entry(form.dataset.name ?? "", Date.now(), text);
  item.className = "waiting";
  item.append(element("small", waiting.dataset.waiting));
  tagged.set(tag, item);
  waiting.append(item);
  scroll.scrollTop = scroll.scrollHeight;
  room.send({ text, tag }).then(
    () => item.classList.remove("waiting"),
    (error) => showRefusal(item, text, tag, error.message),
  );
}

/**
 * @param {HTMLElement} item
 * @param {string} text
 * @param {string} tag
 * @param {string} reason
 */
function showRefusal(item, text, tag, reason) {
  const { refused, again } = waiting.dataset;
  tagged.delete(tag);
  const button = element("button", again);
  button.className = "link";
  button.addEventListener("click", () => {
    item.remove();
    send(text);
    input.focus();
  });
  item.className = "refused";
  item.lastElementChild?.replaceWith(element("small", `${refused}: ${reason}`), button);
}

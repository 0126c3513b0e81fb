/** What was published to the user of this page, newest first; and a form that does it. */

import { connect } from "../realtime/index.js";
import { byId, entry, gap } from "./dom.js";

const MOST = 50;

const client = connect();
const list = byId("notifications");
const form = /** @type {HTMLFormElement} */ (byId("notify-form"));
const answer = byId("notify-answer");

client.addEventListener("message", ({ detail: { room, data, time } }) => {
  const { from, text } = Object(data); // anybody at a shell may publish anything
  if (isOwn(room)) add(entry(from, time, text));
});
client.addEventListener("resync", ({ detail: { room } }) => {
  if (isOwn(room)) add(gap(list.dataset.missed ?? ""));
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void notify();
});

/** @param {string} room */
function isOwn(room) {
  return room === `user:${client.stats().user}`;
}

/** @param {HTMLElement} item */
function add(item) {
  list.prepend(item);
  if (list.childElementCount > MOST) list.lastElementChild?.remove();
}

/** Without leaving the page, which would begin anew. */
async function notify() {
  const sent = await submitted();
  answer.textContent = (sent ? answer.dataset.sent : answer.dataset.failed) ?? "";
  if (sent) form.reset();
}

/** @returns {Promise<boolean>} whether the server has taken it, and leads on */
async function submitted() {
  try {
    const { type } = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      redirect: "manual",
    });
    return type === "opaqueredirect";
  } catch {
    return false; // no network
  }
}

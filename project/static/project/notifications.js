/** Notifications of the user, newest first, and the form that sends one. */

import { connect } from "../realtime/realtime-status.js";
import { byId, entry, gap } from "./dom.js";

const MAX_ITEMS = 50;

const client = connect();
const list = byId("notifications");
const form = /** @type {HTMLFormElement} */ (byId("notify-form"));
const answer = byId("notify-answer");

client.addEventListener("message", ({ detail: { room, data, time } }) => {
  const { from, text } = Object(data); // a shell may publish anything
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
  if (list.childElementCount > MAX_ITEMS) list.lastElementChild?.remove();
}

/** Submit the form without leaving the page. */
async function notify() {
  const sent = await submitted();
  answer.textContent = (sent ? answer.dataset.sent : answer.dataset.failed) ?? "";
  if (sent) form.reset();
}

/** @returns {Promise<boolean>} whether the server has accepted it, with a redirect */
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

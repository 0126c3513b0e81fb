/** Keeps the admin's pages of live sessions up to date; without it they are reloaded by hand. */

import { Chart } from "./chart.js";
import { duration, fill, freshness } from "./freshness.js";
import { morph } from "./morph.js";
import { load as ask, Refused } from "./page_fetch.js";
import { Poller } from "./poller.js";

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const figure = document.getElementById("realtime-chart");
const chart = figure && new Chart(figure);
const outage = element("realtime-outage");
const age = element("realtime-age");
const box = /** @type {HTMLElement} */ (age.closest("[data-freshness]"));
const button = element("realtime-pause");

let freshAt = performance.now();
/** Which sentence of the outage's is true. @type {"" | "silent" | "store" | "left" | "gone"} */
let failure = outage.textContent ? "store" : "";

const poller = new Poller(async () => {
  try {
    show(await load());
  } catch (error) {
    fail(error instanceof Refused ? error.why : "silent");
    if (failure === "left" || failure === "gone") poller.stop();
  }
  tell();
});

function load() {
  const url = new URL(location.href);
  url.searchParams.set("live", "");
  if (chart) url.searchParams.set("after", String(chart.last));
  return ask(url);
}

/** @param {Document} news */
function show(news) {
  for (const part of news.querySelectorAll("[data-live]")) {
    const name = part.getAttribute("data-live");
    const here = document.querySelector(`[data-live="${name}"]`);
    if (here) morph(here, part);
    else location.reload(); // the store was away when this page was made
  }
  plot(news);
  count();
  freshAt = performance.now();
  if (failure) outage.textContent = "";
  failure = "";
}

/** @param {Document} source */
function plot(source) {
  const points = source.getElementById("realtime-points");
  if (chart && points) chart.add(JSON.parse(points.textContent ?? ""));
}

/** Say since when the numbers stand still, once. @param {"silent" | "store" | "left" | "gone"} why */
function fail(why) {
  if (failure === why) return;
  failure = why;
  const since = document.querySelector("[data-as-of]")?.textContent ?? "";
  outage.textContent = fill(outage.dataset[why] ?? "", since);
}

/** Say how old the numbers are, unless they are of now. */
function tell() {
  const ageMs = performance.now() - freshAt;
  const state = freshness({ ageMs, paused: poller.paused, failed: failure !== "" });
  box.dataset.freshness = state;
  const { seconds = "", minutes = "", hours = "" } = age.dataset;
  const old = duration(ageMs, { seconds, minutes, hours });
  age.textContent = state === "fresh" ? "" : fill(age.dataset[state] ?? "", old);
}

/** How many are chosen: what has left the page is chosen no longer. */
function count() {
  const place = document.getElementById("realtime-chosen");
  if (!place) return;
  const chosen = document.querySelectorAll('input[name="session"]:checked').length;
  place.textContent = chosen ? fill(place.dataset.text ?? "", chosen) : "";
}

button.hidden = false;
button.addEventListener("click", () => {
  poller.paused = !poller.paused;
  button.setAttribute("aria-pressed", String(poller.paused));
  tell();
});
document.addEventListener("change", count);
document.addEventListener("visibilitychange", () => {
  poller.hidden = document.hidden;
});
poller.hidden = document.hidden;
setInterval(tell, 1000);
plot(document);
count();
poller.start();

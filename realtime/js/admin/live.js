/** Keeps the admin's pages of live sessions up to date; without it, users reload them. */
import { Chart } from "./chart.js";
import { duration, freshness, interpolate } from "./freshness.js";
import { morph } from "./morph.js";
import { fetchPage, PageUnavailable } from "./page_fetch.js";
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
/** Names the sentence in the outage's dataset. @type {"" | "silent" | "store" | "left" | "gone"} */
let failure = outage.textContent ? "store" : "";

const poller = new Poller(async () => {
  try {
    update(await fetchNewest());
  } catch (error) {
    showFailure(error instanceof PageUnavailable ? error.reason : "silent");
    if (failure === "left" || failure === "gone") poller.stop();
  }
  showAge();
});

function fetchNewest() {
  const url = new URL(location.href);
  url.searchParams.set("live", "");
  if (chart) url.searchParams.set("after", String(chart.last));
  return fetchPage(url);
}

/** @param {Document} newest */
function update(newest) {
  for (const part of newest.querySelectorAll("[data-live]")) {
    const name = part.getAttribute("data-live");
    const current = document.querySelector(`[data-live="${name}"]`);
    if (current) morph(current, part);
    else location.reload(); // the server rendered this page without its store
  }
  plot(newest);
  showSelected();
  freshAt = performance.now();
  if (failure) outage.textContent = "";
  failure = "";
}

/** @param {Document} source */
function plot(source) {
  const points = source.getElementById("realtime-points");
  if (chart && points) chart.add(JSON.parse(points.textContent ?? ""));
}

/** Show once since when the numbers are old. @param {"silent" | "store" | "left" | "gone"} reason */
function showFailure(reason) {
  if (failure === reason) return;
  failure = reason;
  const since = document.querySelector("[data-as-of]")?.textContent ?? "";
  outage.textContent = interpolate(outage.dataset[reason] ?? "", since);
}

/** Show the age of the numbers, unless they are current. */
function showAge() {
  const ageMs = performance.now() - freshAt;
  const state = freshness({ ageMs, paused: poller.paused, failed: failure !== "" });
  box.dataset.freshness = state;
  const { seconds = "", minutes = "", hours = "" } = age.dataset;
  const old = duration(ageMs, { seconds, minutes, hours });
  age.textContent = state === "fresh" ? "" : interpolate(age.dataset[state] ?? "", old);
}

/** Show how many sessions are selected; rows that left the page do not count. */
function showSelected() {
  const label = document.getElementById("realtime-chosen");
  if (!label) return;
  const selected = document.querySelectorAll('input[name="session"]:checked').length;
  label.textContent = selected ? interpolate(label.dataset.text ?? "", selected) : "";
}

button.hidden = false;
button.addEventListener("click", () => {
  poller.paused = !poller.paused;
  button.setAttribute("aria-pressed", String(poller.paused));
  showAge();
});
document.addEventListener("change", showSelected);
document.addEventListener("visibilitychange", () => {
  poller.hidden = document.hidden;
});
poller.hidden = document.hidden;
setInterval(showAge, 1000);
plot(document);
showSelected();
poller.start();

/** Searches the documentation: results appear as the server finds them. */

import { connect } from "../realtime/realtime-status.js";
import { byId, element } from "./dom.js";

/** @typedef {{path: string, heading: string, page: string}} Section */

const client = connect();
const form = byId("search-form");
const input = /** @type {HTMLInputElement} */ (byId("search-text"));
const list = byId("search-results");
const answer = byId("search-answer");
let search = new AbortController();

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void find(input.value);
});

/** @param {string} text */
async function find(text) {
  search.abort(); // an earlier one, whose results no longer matter
  search = new AbortController();
  const { signal } = search;
  list.replaceChildren();
  answer.textContent = "";
  try {
    for await (const section of client.request("documents.search", { text }, { signal }))
      list.append(result(section));
    if (!list.childElementCount) answer.textContent = answer.dataset.none ?? "";
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    if (name !== "AbortError") answer.textContent = `${answer.dataset.failed}: ${message}`;
  }
}

/** @param {Section} section */
function result({ path, heading, page }) {
  const link = /** @type {HTMLAnchorElement} */ (element("a", heading));
  link.href = path;
  const item = element("li");
  item.append(link);
  if (page !== heading) item.append(` · ${page}`);
  return item;
}

import assert from "node:assert/strict";
import { test } from "node:test";

import { groupOf } from "../../realtime/js/status/element_group.js";
import { connectedPage } from "./pages.js";

/** An element that the page shows, or does not. @returns {any} */
function element(isVisible = true) {
  return { checkVisibility: () => isVisible };
}

test("elements of one client share at most 40 samples and one announcer", () => {
  const { client } = connectedPage();
  const group = groupOf(client);
  assert.equal(groupOf(client), group);
  for (let i = 0; i < 100; i += 1) {
    client.dispatchEvent(new CustomEvent("latency", { detail: { latency: i } }));
  }
  assert.equal(group.samples.length, 40);
  assert.equal(group.samples.at(-1), 99);
  const [first, second] = [element(), element()];
  group.add(first);
  group.add(second);
  assert.deepEqual([group.isAnnouncer(first), group.isAnnouncer(second)], [true, false]);
  group.delete(first);
  assert.equal(group.isAnnouncer(second), true);
});

test("two open panels share one ping", () => {
  const { browser, client } = connectedPage();
  const group = groupOf(client);
  for (const now of [0, 10, 1000, 2999, 3000]) group.measureLatency(now);
  assert.equal(browser.socket.sentOfType("ping").length, 1); // the second joins the outstanding one
  browser.socket.receive({ type: "pong", sequence: 1 });
  group.measureLatency(6000);
  assert.equal(browser.socket.sentOfType("ping").length, 2);
});

test("an element that the page hides announces nothing while another is shown", () => {
  const group = groupOf(connectedPage().client);
  const [hidden, shown] = [element(false), element()];
  group.add(hidden);
  assert.equal(group.isAnnouncer(hidden), true); // a browser cannot tell, or it is shown in time
  group.add(shown);
  assert.deepEqual([group.isAnnouncer(hidden), group.isAnnouncer(shown)], [false, true]);
});

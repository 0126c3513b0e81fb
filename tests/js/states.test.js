import assert from "node:assert/strict";
import { test } from "node:test";

import { IllegalEvent, nextState, TRANSITIONS } from "../../realtime/js/states.js";
import { vectors } from "./vectors.js";

/** @typedef {import("../../realtime/js/states.js").ClientState} ClientState */
/** @typedef {import("../../realtime/js/states.js").ClientEvent} ClientEvent */

/** @type {[ClientState, ClientEvent, ClientState | null][]} */
const transitions = vectors("client_states").transitions;

for (const [state, event, after] of transitions) {
  test(`${event} while ${state}: ${after ?? "illegal"}`, () => {
    if (after === null) assert.throws(() => nextState(state, event), IllegalEvent);
    else assert.equal(nextState(state, event), after);
  });
}

test("the vectors name every state and transition of the table", () => {
  const known = transitions.filter(([, , after]) => after !== null).map(String);
  const table = Object.entries(TRANSITIONS).flatMap(([state, events]) =>
    Object.entries(events).map(([event, after]) => `${state},${event},${after}`),
  );
  assert.deepEqual(known.sort(), table.sort());
});

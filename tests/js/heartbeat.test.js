import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Heartbeat, IllegalEvent, TRANSITIONS } from "../../realtime/js/heartbeat.js";
import { vectors } from "./vectors.js";

const { policies, cases } = vectors("heartbeat");

/** @param {string} name */
function policy(name) {
  const { ping_interval, pong_timeout, max_missed, session_timeout, idle_only } = policies[name];
  return {
    pingInterval: ping_interval,
    pongTimeout: pong_timeout,
    maxMissed: max_missed,
    sessionTimeout: session_timeout ?? Infinity,
    idleOnly: idle_only ?? false,
  };
}

/**
 * @param {Heartbeat} heartbeat
 * @param {number} at
 * @param {string} event
 */
function perform(heartbeat, at, event) {
  const [verb, argument] = event.split(" ");
  const number = Number(argument);
  switch (verb) {
    case "tick":
      return answer(heartbeat.tick(at));
    case "pong":
      return heartbeat.pong(number, at);
    case "traffic":
      return heartbeat.traffic(at) ?? null;
    case "probe":
      return answer(heartbeat.probe(at, argument ? { within: number } : {}));
    case "excuse":
      return heartbeat.excuse(number) ?? null;
  }
  throw new Error(`unknown step ${event}`);
}

/** @param {import("../../realtime/js/heartbeat.js").SendPing | import("../../realtime/js/heartbeat.js").Dead | null} action */
function answer(action) {
  if (action === null) return null;
  return action.type === "ping" ? { ping: action.sequence } : { dead: action.missed };
}

/**
 * @param {Heartbeat} heartbeat
 * @param {number} at
 * @param {string} event
 */
function outcome(heartbeat, at, event) {
  try {
    return perform(heartbeat, at, event);
  } catch (error) {
    if (error instanceof IllegalEvent) return "illegal";
    throw error;
  }
}

/** @param {unknown} value infinity is null in JSON, and sums of floats are near */
function plain(value) {
  if (value === Infinity) return null;
  return typeof value === "number" ? Math.round(value * 1e9) / 1e9 : value;
}

describe("heartbeat vectors", () => {
  for (const { name, policy: policyName, start, first_ping: firstPing, steps } of cases) {
    test(name, () => {
      const options = firstPing === undefined ? {} : { firstPing };
      const heartbeat = new Heartbeat(policy(policyName), start, options);
      for (const [at, event, expected, checks] of steps) {
        assert.deepEqual(plain(outcome(heartbeat, at, event)), expected, `${event} at ${at}`);
        for (const [key, value] of Object.entries(checks)) {
          const observed = heartbeat[/** @type {keyof Heartbeat} */ (key)];
          assert.deepEqual(plain(observed), value, `${key} after ${event} at ${at}`);
        }
      }
    });
  }
});

test("each live state has a transition for each event", () => {
  assert.deepEqual(Object.keys(TRANSITIONS), ["alive", "unstable"]);
  for (const events of Object.values(TRANSITIONS)) {
    assert.deepEqual(Object.keys(events), ["life", "miss", "last_miss", "silence"]);
  }
});

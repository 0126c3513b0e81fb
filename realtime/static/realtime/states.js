/**
 * The states of a client, as one table. `tests/vectors/client_states.json` has it too.
 *
 * `doubt`: the server was asked for a sign of life. `life`: it gave one.
 * `retry`: the connection, or an attempt, is over and another follows.
 * `fail`: it is over for a reason that the user should see. `end`: it is over, by intent.
 */

import { IllegalEvent } from "./heartbeat.js";

/** @typedef {"disconnected" | "connecting" | "connected" | "unstable" | "error"} ClientState */
/** @typedef {"connect" | "welcome" | "doubt" | "life" | "retry" | "fail" | "end"} ClientEvent */

/** @type {Readonly<Record<ClientState, Readonly<Partial<Record<ClientEvent, ClientState>>>>>} */
export const TRANSITIONS = Object.freeze({
  disconnected: { connect: "connecting" },
  connecting: { welcome: "connected", retry: "connecting", fail: "error", end: "disconnected" },
  connected: { doubt: "unstable", retry: "connecting", fail: "error", end: "disconnected" },
  unstable: { life: "connected", retry: "connecting", fail: "error", end: "disconnected" },
  error: { connect: "connecting", end: "disconnected" },
});

/**
 * The state after an event. Throws IllegalEvent for one that the state does not know.
 * @param {ClientState} state
 * @param {ClientEvent} event
 * @returns {ClientState}
 */
export function next(state, event) {
  const after = TRANSITIONS[state][event];
  if (after === undefined) throw new IllegalEvent(`${event} while ${state}`);
  return after;
}

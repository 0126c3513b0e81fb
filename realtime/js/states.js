/**
 * The states of a client, as one table. `tests/vectors/client_states.json` has it too.
 *
 * Events: `doubt`, the client probes a silent server; `life`, the server answered; `retry`, the
 * connection or attempt is over and another one follows; `fail`, it is over for a reason that
 * the user should see; `end`, it is over by intent.
 */

/** The state has no such event. */
export class IllegalEvent extends Error {}

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
 * The state after an event. Throws IllegalEvent if the state has no such event.
 * @param {ClientState} state
 * @param {ClientEvent} event
 * @returns {ClientState}
 */
export function nextState(state, event) {
  const next = TRANSITIONS[state][event];
  if (next === undefined) throw new IllegalEvent(`${event} while ${state}`);
  return next;
}

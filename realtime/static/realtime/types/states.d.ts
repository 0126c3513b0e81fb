/**
 * The state after an event. Throws IllegalEvent for one that the state does not know.
 * @param {ClientState} state
 * @param {ClientEvent} event
 * @returns {ClientState}
 */
export function next(state: ClientState, event: ClientEvent): ClientState;
/** @typedef {"disconnected" | "connecting" | "connected" | "unstable" | "error"} ClientState */
/** @typedef {"connect" | "welcome" | "doubt" | "life" | "retry" | "fail" | "end"} ClientEvent */
/** @type {Readonly<Record<ClientState, Readonly<Partial<Record<ClientEvent, ClientState>>>>>} */
export const TRANSITIONS: Readonly<Record<ClientState, Readonly<Partial<Record<ClientEvent, ClientState>>>>>;
export type ClientState = "disconnected" | "connecting" | "connected" | "unstable" | "error";
export type ClientEvent = "connect" | "welcome" | "doubt" | "life" | "retry" | "fail" | "end";

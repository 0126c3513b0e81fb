/**
 * The state after an event. Throws IllegalEvent if the state has no such event.
 * @param {ClientState} state
 * @param {ClientEvent} event
 * @returns {ClientState}
 */
export function nextState(state: ClientState, event: ClientEvent): ClientState;
/** @typedef {"disconnected" | "connecting" | "connected" | "unstable" | "error"} ClientState */
/** @typedef {"connect" | "welcome" | "doubt" | "life" | "retry" | "fail" | "end"} ClientEvent */
/** @type {Readonly<Record<ClientState, Readonly<Partial<Record<ClientEvent, ClientState>>>>>} */
export const TRANSITIONS: Readonly<Record<ClientState, Readonly<Partial<Record<ClientEvent, ClientState>>>>>;
export type ClientState = "disconnected" | "connecting" | "connected" | "unstable" | "error";
export type ClientEvent = "connect" | "welcome" | "doubt" | "life" | "retry" | "fail" | "end";

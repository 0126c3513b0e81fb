/** @typedef {import("./states.js").ClientState} ClientState */
export class StateTracker {
    /** @param {import("./sleep_aware_clock.js").SleepAwareClock} clock */
    constructor(clock: import("./sleep_aware_clock.js").SleepAwareClock);
    /** @type {ClientState} */
    state: ClientState;
    reason: string;
    /** Fields of the client's `Stats`. */
    get stats(): {
        state: import("./states.js").ClientState;
        reason: string;
        stateSince: number;
        connectedSince: number | null;
        reconnects: number;
        transport: "websocket" | null;
    };
    /** Welcomed by the server, also while a probe is unanswered. */
    get isUp(): boolean;
    /** Not connected, and no attempt is under way or scheduled. */
    get isIdle(): boolean;
    /**
     * Change the state by an event. Throws IllegalEvent if the state has no such event.
     * @param {import("./states.js").ClientEvent} event
     * @param {string} [reason]
     */
    apply(event: import("./states.js").ClientEvent, reason?: string): void;
    #private;
}
export type ClientState = import("./states.js").ClientState;

/** @typedef {import("./states.js").ClientState} ClientState */
export class StateTracker {
    /** @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed */
    constructor(elapsed: import("./sleep_aware_clock.js").SleepAwareClock);
    /** @type {ClientState} */
    state: ClientState;
    reason: string;
    /** When the state began, in ms since the epoch. */
    get since(): number;
    get isUp(): boolean;
    /** Not connected, and nothing on the way there. */
    get isAway(): boolean;
    /**
     * Throws IllegalEvent.
     * @param {import("./states.js").ClientEvent} event
     * @param {string} [reason]
     */
    move(event: import("./states.js").ClientEvent, reason?: string): void;
    #private;
}
export type ClientState = import("./states.js").ClientState;

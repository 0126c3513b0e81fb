/** @typedef {import("./states.js").ClientState} ClientState */
export class Standing {
    /** @param {import("./elapsed.js").Elapsed} elapsed */
    constructor(elapsed: import("./elapsed.js").Elapsed);
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

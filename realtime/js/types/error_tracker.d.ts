/** @typedef {import("./events.js").LastError} LastError */
export class ErrorTracker {
    /** @type {LastError | null} */
    lastError: LastError | null;
    /** The server announced a restart. Lost connections do not change `lastError` meanwhile. */
    isRestarting: boolean;
    /** Record the end of an attempt or a connection. @param {LastError} error */
    record(error: LastError): void;
}
export type LastError = import("./events.js").LastError;

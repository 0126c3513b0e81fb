/** The newest error of a client, and whether the server is restarting. */

import { isRestart, LOST } from "./codes.js";

/** @typedef {import("./events.js").LastError} LastError */

export class ErrorTracker {
  /** @type {LastError | null} */
  lastError = null;
  /** The server announced a restart. Lost connections do not change `lastError` meanwhile. */
  isRestarting = false;

  /** Record the end of an attempt or a connection. @param {LastError} error */
  record(error) {
    if (error.code === LOST && this.isRestarting) return;
    this.isRestarting = isRestart(error.code);
    this.lastError = error;
  }
}

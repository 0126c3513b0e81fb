/** The check of data that the page sends: the server can read them, and the client is not disconnected for good. */

import { codedError } from "./coded_error.js";
import { toJson, utf8Length } from "./json.js";

export class SendGate {
  maxBytes = 65_536; // of the data, until a welcome names the server's limit
  /** Why nothing may be sent until the next `connect()`; "": it may. */
  closedReason = "";

  /**
   * The data as JSON. Throws an error with the code "invalid_message" or "disconnected".
   * @param {unknown} data
   */
  pass(data) {
    const json = toJson(data);
    if (!json || utf8Length(json) > this.maxBytes)
      throw codedError("invalid_message", `no JSON, or above ${this.maxBytes} bytes`);
    if (this.closedReason) throw codedError("disconnected", this.closedReason);
    return json;
  }
}

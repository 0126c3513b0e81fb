/** The types of `status.js`: its exports, and the element that it defines. */

import type { RealtimeStatus } from "./types/status.js";

export * from "./types/status.js";

declare global {
  interface HTMLElementTagNameMap {
    "realtime-status": RealtimeStatus;
  }
}

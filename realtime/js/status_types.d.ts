/** The types of `status.js`: its exports, and the element that it defines. */

import type { RealtimeClient, RealtimeStatus } from "./types/status.js";

export * from "./types/status.js";

/** What JSX and templates may set: attributes, and the properties `client` and `open`. */
export interface RealtimeStatusAttributes {
  url?: string;
  /** JSON */
  options?: string;
  /** Not `false`, which React 18 and Vue write as a text: the attribute would be there. */
  compact?: true | "";
  details?: true | "";
  controls?: "none";
  placement?: "bottom-start" | "bottom-end" | "top-start" | "top-end";
  client?: RealtimeClient | null;
  open?: boolean;
}

declare global {
  interface HTMLElementTagNameMap {
    "realtime-status": RealtimeStatus;
  }
}

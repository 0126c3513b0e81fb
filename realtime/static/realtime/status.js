/** `import ".../realtime/status.js"`: makes `<realtime-status>` an element of this page. */

import { RealtimeStatus } from "./status/element.js";

export { RealtimeStatus };

// A second copy of this module under another file name finds the name taken: the first serves both.
if (!customElements.get("realtime-status")) {
  customElements.define("realtime-status", RealtimeStatus);
}

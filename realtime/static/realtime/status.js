/** `import ".../realtime/status.js"`: makes `<realtime-status>` an element of this page. */

import { RealtimeStatus } from "./status/element.js";

export { RealtimeStatus };

/**
 * @typedef {import("./client.js").RealtimeClient} RealtimeClient
 * @typedef {import("./status/i18n.js").Words} Words
 */

// A second copy of this module under another file name finds the name taken: the first serves both.
// Where pages are rendered or tested there may be no registry at all: then nothing is defined.
if (globalThis.customElements && !customElements.get("realtime-status")) {
  customElements.define("realtime-status", RealtimeStatus);
}

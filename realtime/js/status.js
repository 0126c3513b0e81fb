/**
 * The public module of the client with the element, bundled as `realtime-status.js`: defines
 * `<realtime-status>` on this page.
 */

import { RealtimeStatus } from "./status/element.js";

export * from "./index.js";
export { RealtimeStatus };

/** @typedef {import("./status/i18n.js").Words} Words */

// A second copy of this module under another file name uses the definition of the first one.
// Servers and tests may have no registry: then the module defines nothing.
if (globalThis.customElements && !customElements.get("realtime-status")) {
  customElements.define("realtime-status", RealtimeStatus);
}

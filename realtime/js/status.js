/**
 * The public module of the client with the element, bundled as `realtime-status.js`: defines
 * `<realtime-status>` on this page.
 */

import { RealtimeStatus as OwnClass } from "./status/element.js";

export * from "./index.js";

/** @typedef {OwnClass} RealtimeStatus */
/** @typedef {import("./status/i18n.js").Words} Words */

// Servers and tests may have no registry: then the module defines nothing.
const registry = globalThis.customElements;
const defined = /** @type {typeof OwnClass | undefined} */ (registry?.get("realtime-status"));
if (!defined) registry?.define("realtime-status", OwnClass);

/**
 * The class of the page's elements: that of the copy of this module which was loaded first, so that
 * languages are added to what the page shows.
 */
export const RealtimeStatus = defined ?? OwnClass;

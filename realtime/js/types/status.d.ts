export * from "./index.js";
export type RealtimeStatus = OwnClass;
/**
 * The class of the page's elements: that of the copy of this module which was loaded first, so that
 * languages are added to what the page shows.
 */
export const RealtimeStatus: typeof OwnClass;
export type Words = import("./status/i18n.js").Words;
import { RealtimeStatus as OwnClass } from "./status/element.js";

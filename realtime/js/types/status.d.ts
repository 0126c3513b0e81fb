export * from "./index.js";
export { RealtimeStatus };
export type Words = import("./status/i18n.js").Words;
import { RealtimeStatus } from "./status/element.js";

export { RealtimeStatus };
export type RealtimeClient = import("./client.js").RealtimeClient;
export type Words = import("./status/i18n.js").Words;
import { RealtimeStatus } from "./status/element.js";

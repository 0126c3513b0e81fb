export { RealtimeStatus };
import { RealtimeStatus } from "./status/element.js";

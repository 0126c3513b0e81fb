/**
 * The page's client for this address. The first call makes it and connects; later ones,
 * whatever their options, get the same client as it is, also when it is disconnected.
 * @param {import("./client.js").Options} [options]
 */
export function connect(options?: import("./client.js").Options): RealtimeClient;
export { RealtimeClient };
import { RealtimeClient } from "./client.js";

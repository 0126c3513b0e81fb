/**
 * The page's client for this address, in any state. The first call makes it and connects it.
 * @param {Options} options
 */
export function pageClient(options: Options): RealtimeClient;
export type Options = import("./client.js").Options;
import { RealtimeClient } from "./client.js";

/**
 * The page's client for this address, in any state. The first call makes it and connects it.
 * @param {Options} options
 * @param {boolean} [connects] false: a new client stays at rest
 */
export function pageClient(options: Options, connects?: boolean): RealtimeClient;
export type Options = import("./client.js").Options;
import { RealtimeClient } from "./client.js";

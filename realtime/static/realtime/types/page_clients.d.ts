/**
 * The page's client for this address as it is, also if it is away; one that is made here connects.
 * @param {Options} options
 */
export function pageClient(options: Options): RealtimeClient;
export type Options = import("./client.js").Options;
import { RealtimeClient } from "./client.js";

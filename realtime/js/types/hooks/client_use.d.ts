/** @typedef {import("../events.js").Stats} Stats */
/** @typedef {import("../client.js").Options & {client?: RealtimeClient}} UseOptions `client`: instead of the page's own */
/**
 * The page's client for these options, which a use connects. Frameworks may call it while they render.
 * A server that renders pages has no page: there each call makes a client that never connects.
 * @param {UseOptions} options
 * @returns {RealtimeClient}
 */
export function clientFor({ client, ...options }: UseOptions): RealtimeClient;
/** The one of this client. @param {RealtimeClient} client */
export function useOf(client: RealtimeClient): ClientUse;
/**
 * The stats before the first connection: what a server renders, and the first render in the page.
 * @type {Readonly<Stats>}
 */
export const INITIAL_STATS: Readonly<Stats>;
export type Stats = import("../events.js").Stats;
/**
 * `client`: instead of the page's own
 */
export type UseOptions = import("../client.js").Options & {
    client?: RealtimeClient;
};
import { RealtimeClient } from "../client.js";
/** A client and its stats, which all components share. */
declare class ClientUse {
    /** @param {RealtimeClient} client */
    constructor(client: RealtimeClient);
    /** @type {Stats} a new object after each change, else the same */
    stats: Stats;
    /**
     * Keep the client connected until the returned function is called.
     * @param {() => void} onChange called after each change of `stats`
     * @returns {() => void}
     */
    subscribe: (onChange: () => void) => () => void;
    #private;
}
export {};

export class UnsentMessages {
    /**
     * @param {Environment} environment
     * @param {{readonly ms: number}} clock elapsed ms
     */
    constructor(environment: Environment, clock: {
        readonly ms: number;
    });
    /**
     * Save messages for the next page in this tab; the first ones if all are too large.
     * @param {string} place in the storage
     * @param {Request[]} messages
     */
    save(place: string, messages: Request[]): void;
    /**
     * Load and remove what was saved.
     * @param {string} place in the storage
     * @param {Request[]} messages of this page
     * @returns {Request[]} those to send, in their order
     */
    load(place: string, messages: Request[]): Request[];
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type Request = import("./request_queue.js").Request;
/**
 * `age`: ms since it was sent; null: never
 */
export type Entry = {
    room: string;
    data: any;
    key: string;
    age: number | null;
    user?: string | null;
};

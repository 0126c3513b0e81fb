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
     * @param {Message[]} messages
     */
    save(place: string, messages: Message[]): void;
    /**
     * Load and remove what was saved.
     * @param {string} place in the storage
     * @param {Message[]} messages of this page
     * @returns {Message[]} those to send, in their order
     */
    load(place: string, messages: Message[]): Message[];
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type Message = import("./request_queue.js").Message;
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

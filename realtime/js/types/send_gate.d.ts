export class SendGate {
    maxBytes: number;
    /** Why nothing may be sent until the next `connect()`; "": it may. */
    closedReason: string;
    /**
     * The data as JSON. Throws an error with the code "invalid_message" or "disconnected".
     * @param {unknown} data
     */
    pass(data: unknown): string;
}

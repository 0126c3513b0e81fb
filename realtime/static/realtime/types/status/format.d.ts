/** @typedef {ReturnType<typeof formats>} Formats */
/** @param {string} lang a language tag; what the browser does not know is read as its own */
export function formats(lang: string): {
    /** @param {number} n */
    number: (n: number) => string;
    /** @param {number} ms */
    latency: (ms: number) => string;
    /** @param {number} ms */
    duration: (ms: number) => string;
    /**
     * The time of day, with the date unless it is today's.
     * @param {number} at
     * @param {number} now
     */
    moment: (at: number, now: number) => string;
};
export type Formats = ReturnType<typeof formats>;

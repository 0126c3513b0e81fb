/** @typedef {ReturnType<typeof formats>} Formats */
/** @param {string} lang a language tag; the browser's own language replaces an invalid one */
export function formats(lang: string): {
    /** @param {number} n */
    number: (n: number) => string;
    /** @param {number} ms */
    latency: (ms: number) => string;
    /** @param {number} ms */
    duration: (ms: number) => string;
    /**
     * The time of day, with the date unless it is today.
     * @param {number} at ms since the epoch
     * @param {number} now ms since the epoch
     */
    moment: (at: number, now: number) => string;
};
export type Formats = ReturnType<typeof formats>;

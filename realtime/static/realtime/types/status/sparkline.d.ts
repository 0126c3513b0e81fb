/**
 * The `d` of an SVG path, from the bottom (0 ms) to the top (the slowest), newest at the right.
 * @param {Samples} samples
 * @param {{width: number, height: number}} box
 */
export function sparkline(samples: Samples, { width, height }: {
    width: number;
    height: number;
}): string;
/**
 * @param {Samples} samples
 * @returns {{count: number, fastest: number, slowest: number} | null} null: nothing was answered
 */
export function range(samples: Samples): {
    count: number;
    fastest: number;
    slowest: number;
} | null;
/**
 * ms, oldest first; null: no answer
 */
export type Samples = (number | null)[];

/**
 * The `d` of an SVG path: 0 ms at the bottom, the slowest at the top, the newest at the right.
 * @param {Samples} samples
 * @param {{width: number, height: number}} box
 */
export function sparkline(samples: Samples, { width, height }: {
    width: number;
    height: number;
}): string;
/**
 * @param {Samples} samples
 * @returns {{count: number, fastest: number, slowest: number} | null} null: no ping was answered
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

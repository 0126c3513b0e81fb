/**
 * The `d` of an SVG path: 0 ms at the bottom, the slowest at the top, the newest at the right.
 * @param {Samples} samples
 * @param {{width: number, height: number}} box
 */
export function sparkline(samples: Samples, { width, height }: {
    width: number;
    height: number;
}): string;
/** The samples that are no misses. @param {Samples} samples */
export function answered(samples: Samples): number[];
/**
 * ms, oldest first; null: no answer
 */
export type Samples = (number | null)[];

/** Positions in the logs of rooms. */
/** @typedef {{readonly epoch: string, readonly offset: number}} Position `offset`: of the newest publication that a reader has, 0 for none */
/**
 * A position in either form; null for anything else.
 * @param {unknown} value "epoch:offset", or an object with both
 * @returns {Position | null}
 */
export function toPosition(value: unknown): Position | null;
/**
 * `offset`: of the newest publication that a reader has, 0 for none
 */
export type Position = {
    readonly epoch: string;
    readonly offset: number;
};

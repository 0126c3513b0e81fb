/**
 * Its left upper corner. The side that was asked for is left only where the panel does not fit.
 * @param {Box} button
 * @param {Size} panel
 * @param {Size} view
 * @param {{placement: string | null, rightToLeft: boolean}} wish
 *   `placement`: "bottom-start" (if null), "bottom-end", "top-start", "top-end"
 */
export function place(button: Box, panel: Size, view: Size, { placement, rightToLeft }: {
    placement: string | null;
    rightToLeft: boolean;
}): {
    left: number;
    top: number;
};
export type Box = {
    left: number;
    top: number;
    right: number;
    bottom: number;
};
export type Size = {
    width: number;
    height: number;
};

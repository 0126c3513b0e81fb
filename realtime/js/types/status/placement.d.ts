/**
 * The panel's upper left corner, px. It is on the requested side of the button unless the panel
 * does not fit there.
 * @param {Box} button
 * @param {Size} panel
 * @param {Size} view
 * @param {{placement: string | null, rightToLeft: boolean}} options
 *   `placement`: "bottom-start" (default), "bottom-end", "top-start", "top-end"
 */
export function panelPosition(button: Box, panel: Size, view: Size, { placement, rightToLeft }: {
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

/**
 * The panel's upper left corner and the height it may have, px: it never covers its button. It is
 * on the requested side unless the panel does not fit there and has more room on the other.
 * @param {Box} button
 * @param {Size} panel with all its content
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
    maxHeight: number;
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

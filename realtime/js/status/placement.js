/** The position of the panel: beside its button, inside the window. */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */
/** @typedef {{width: number, height: number}} Size */

const GAP = 6;
const MARGIN = 8;

/**
 * The panel's upper left corner, px. It is on the requested side of the button unless the panel
 * does not fit there.
 * @param {Box} button
 * @param {Size} panel
 * @param {Size} view
 * @param {{placement: string | null, rightToLeft: boolean}} options
 *   `placement`: "bottom-start" (default), "bottom-end", "top-start", "top-end"
 */
export function panelPosition(button, panel, view, { placement, rightToLeft }) {
  const [side, edge] = (placement ?? "").split("-");
  const alignsRight = (edge === "end") !== rightToLeft;
  const left = alignsRight ? button.right - panel.width : button.left;
  const above = button.top - GAP - panel.height;
  const below = button.bottom + GAP;
  const fitsAbove = above >= MARGIN;
  const fitsBelow = below + panel.height + MARGIN <= view.height;
  const goesUp = side === "top" ? fitsAbove || !fitsBelow : fitsAbove && !fitsBelow;
  return {
    left: clamp(left, view.width - panel.width),
    top: clamp(goesUp ? above : below, view.height - panel.height),
  };
}

/**
 * @param {number} value
 * @param {number} max
 */
function clamp(value, max) {
  return Math.max(MARGIN, Math.min(value, max - MARGIN));
}

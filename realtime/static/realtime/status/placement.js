/** Where the panel goes: beside its button, inside the window. */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */
/** @typedef {{width: number, height: number}} Size */

const GAP = 6;
const MARGIN = 8;

/**
 * Its left upper corner. The side that was asked for is left only where the panel does not fit.
 * @param {Box} button
 * @param {Size} panel
 * @param {Size} view
 * @param {{placement: string | null, rightToLeft: boolean}} wish
 *   `placement`: "bottom-start" (if null), "bottom-end", "top-start", "top-end"
 */
export function place(button, panel, view, { placement, rightToLeft }) {
  const [side, edge] = (placement ?? "").split("-");
  const toTheLeft = (edge === "end") !== rightToLeft;
  const left = toTheLeft ? button.right - panel.width : button.left;
  const above = button.top - GAP - panel.height;
  const below = button.bottom + GAP;
  const fitsAbove = above >= MARGIN;
  const fitsBelow = below + panel.height + MARGIN <= view.height;
  const goesUp = side === "top" ? fitsAbove || !fitsBelow : fitsAbove && !fitsBelow;
  return {
    left: within(left, view.width - panel.width),
    top: within(goesUp ? above : below, view.height - panel.height),
  };
}

/**
 * @param {number} value
 * @param {number} room
 */
function within(value, room) {
  return Math.max(MARGIN, Math.min(value, room - MARGIN));
}

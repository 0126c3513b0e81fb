/** The position of the panel: above or below its button, inside the window. */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */
/** @typedef {{width: number, height: number}} Size */

const GAP = 6;
const MARGIN = 8;

/**
 * The panel's upper left corner and the height it may have, px: it never covers its button. It is
 * on the requested side unless the panel does not fit there and has more room on the other.
 * @param {Box} button
 * @param {Size} panel with all its content
 * @param {Size} view
 * @param {{placement: string | null, rightToLeft: boolean}} options
 *   `placement`: "bottom-start" (default), "bottom-end", "top-start", "top-end"
 */
export function panelPosition(button, panel, view, { placement, rightToLeft }) {
  const [side, edge] = (placement ?? "").split("-");
  const alignsRight = (edge === "end") !== rightToLeft;
  const left = alignsRight ? button.right - panel.width : button.left;
  const above = button.top - GAP - MARGIN;
  const below = view.height - MARGIN - GAP - button.bottom;
  const [wanted, other] = side === "top" ? [above, below] : [below, above];
  const fits = wanted >= Math.min(panel.height, other);
  const goesUp = (side === "top") === fits;
  const maxHeight = Math.min(Math.max(goesUp ? above : below, 0), view.height - 2 * MARGIN);
  const height = Math.min(panel.height, maxHeight);
  const top = goesUp ? button.top - GAP - height : button.bottom + GAP;
  return {
    left: clamp(left, view.width - panel.width),
    top: clamp(top, view.height - height),
    maxHeight,
  };
}

/**
 * @param {number} value
 * @param {number} max
 */
function clamp(value, max) {
  return Math.max(MARGIN, Math.min(value, max - MARGIN));
}

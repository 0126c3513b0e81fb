/** An SVG for the shape of a state, which the styles animate. */
export function dot(): SVGElement;
/** @param {DisplayState} state */
export function shape(state: DisplayState): SVGElement;
export type DisplayState = import("./view_model.js").DisplayState;

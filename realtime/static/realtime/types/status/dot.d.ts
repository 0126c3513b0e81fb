/** The styles show the one that belongs to the state and move it. */
export function dot(): SVGElement;

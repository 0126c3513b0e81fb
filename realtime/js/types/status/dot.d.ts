/** All shapes in one SVG; the styles show and animate the one of the current state. */
export function dot(): SVGElement;

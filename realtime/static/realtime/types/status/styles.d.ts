/** One style sheet for all elements. */
export function styles(): CSSStyleSheet;

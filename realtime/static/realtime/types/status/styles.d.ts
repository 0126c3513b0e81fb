/**
 * One style sheet for all elements. Where none can be constructed, in older browsers and in jsdom,
 * each has its own.
 * @param {ShadowRoot} root
 */
export function dress(root: ShadowRoot): void;

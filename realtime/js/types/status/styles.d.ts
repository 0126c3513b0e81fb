/**
 * Apply the style sheet that all elements share. Where none can be constructed, in older browsers
 * and in jsdom, each element gets a <style>.
 * @param {ShadowRoot} root
 */
export function applyStyles(root: ShadowRoot): void;

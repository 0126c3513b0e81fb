/**
 * The element's style sheet: constructed, because a content security policy may forbid <style>.
 * System colours (Canvas, CanvasText) follow the `color-scheme` around the element, and the
 * reader's own colours in forced-colors mode.
 */

import { BUTTON_CSS } from "./button_styles.js";
import { html } from "./dom.js";
import { PANEL_CSS } from "./panel_styles.js";

// The position of .root contains .unseen, which must not lengthen the page.
const BASE_CSS = `
:host {
  display: inline-block;
  max-width: 100%;
  vertical-align: middle;
}

:host([details]),
:host([details]) .root {
  display: block;
}

:host([hidden]),
[hidden] {
  display: none !important;
}

* {
  box-sizing: border-box;
  margin: 0;
}

.root {
  --text: var(--realtime-status-text, CanvasText);
  --background: var(--realtime-status-background, Canvas);
  --accent: var(--realtime-status-accent, LinkText);
  --quiet: color-mix(in srgb, var(--text) 72%, var(--background));
  --line: color-mix(in srgb, var(--text) 22%, var(--background));
  --radius: var(--realtime-status-radius, 0.5rem);
  --sign: #fff;
  position: relative;
  display: inline-flex;
  max-width: 100%;
}

.connected,
.degraded {
  --colour: var(--realtime-status-connected, #1f9d4d);
}
.degraded { --limit: var(--realtime-status-unstable, #f28a00); }
.connecting { --colour: var(--realtime-status-connecting, #f7c600); }
.unstable { --colour: var(--realtime-status-unstable, #f28a00); --sign: #000; }
.error { --colour: var(--realtime-status-error, #d62828); }
.disconnected { --colour: var(--realtime-status-disconnected, #7d8590); }

.unseen,
:host([compact]) .words {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

button {
  border: 0;
  background: none;
  color: inherit;
  font: inherit;
  letter-spacing: inherit;
  cursor: pointer;
}

button:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}
`;

const FORCED_COLOURS_CSS = `
@media (forced-colors: active) {
  .root {
    --line: ButtonBorder;
    --quiet: CanvasText;
    --accent: Highlight;
    --background: Canvas;
  }
  .shape { --edge: ButtonText; --colour: ButtonText; --sign: ButtonFace; --limit: ButtonText; }
  .control[aria-disabled="true"] { color: GrayText; }
  .track { forced-color-adjust: none; }
}
`;

const CSS = BASE_CSS + BUTTON_CSS + PANEL_CSS + FORCED_COLOURS_CSS; // later rules win

/** @type {CSSStyleSheet | null} */
let sheet = null;

/**
 * Apply the style sheet that all elements share. Where none can be constructed, in older browsers
 * and in jsdom, each element gets a <style>.
 * @param {ShadowRoot} root
 */
export function applyStyles(root) {
  if (!("replaceSync" in CSSStyleSheet.prototype)) return root.append(html("style", {}, CSS));
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  root.adoptedStyleSheets = [sheet];
}

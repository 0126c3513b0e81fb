/**
 * The element's looks. A constructed style sheet, because a content security policy may
 * forbid <style>. Colours of the system (Canvas, CanvasText) follow the `color-scheme`
 * around the element, and the reader's own colours in forced colours.
 */

import { html } from "./dom.js";

const CSS = `
:host {
  display: inline-block;
  max-width: 100%;
  vertical-align: middle;
}

:host([hidden]),
[hidden] {
  display: none !important;
}

*,
*::before {
  box-sizing: border-box;
}

.root {
  --text: var(--realtime-status-text, CanvasText);
  --background: var(--realtime-status-background, Canvas);
  --accent: var(--realtime-status-accent, LinkText);
  --quiet: color-mix(in srgb, var(--text) 72%, var(--background));
  --line: color-mix(in srgb, var(--text) 22%, var(--background));
  --radius: var(--realtime-status-radius, 0.5rem);
  --sign: #fff;
  position: relative; /* for what is unseen: it must not lengthen the page */
  display: inline-flex;
  max-width: 100%;
}

[data-state="connected"] { --colour: var(--realtime-status-connected, #1f9d4d); }
[data-state="degraded"] {
  --colour: var(--realtime-status-connected, #1f9d4d);
  --limit: var(--realtime-status-unstable, #f28a00);
}
[data-state="connecting"] { --colour: var(--realtime-status-connecting, #f7c600); }
[data-state="unstable"] { --colour: var(--realtime-status-unstable, #f28a00); --sign: #000; }
[data-state="error"] { --colour: var(--realtime-status-error, #d62828); }
[data-state="disconnected"] { --colour: var(--realtime-status-disconnected, #7d8590); }

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
  margin: 0;
  font: inherit;
  letter-spacing: inherit;
  cursor: pointer;
}

button:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}

/* The dot and the word */

.button {
  display: inline-flex;
  gap: 0.5em;
  align-items: center;
  max-width: 100%;
  padding: 0.25em 0.6em;
  border: 1px solid color-mix(in srgb, currentcolor 25%, transparent);
  border-radius: 999px;
  background: transparent;
  color: inherit;
  line-height: 1.4;
  text-align: start;
}

.button:hover,
.button[aria-expanded="true"] {
  background: color-mix(in srgb, currentcolor 8%, transparent);
}

.note,
.countdown {
  font-weight: 400;
  font-size: 0.85em;
  font-variant-numeric: tabular-nums;
  white-space: nowrap;
}

:host([compact]) .button {
  padding: 0.35em;
}

:host([compact]) .countdown {
  display: none;
}

.dot {
  /* The text beside it is readable: an edge that leans towards its colour is visible, too. */
  --edge: color-mix(in srgb, var(--colour) 55%, currentcolor);
  flex: none;
  width: var(--realtime-status-size, 1em);
  height: var(--realtime-status-size, 1em);
  overflow: visible;
  stroke-linecap: round;
  stroke-linejoin: round;
}

.shape {
  display: none;
  transform-origin: 8px 8px;
}

[data-state="connected"] .connected,
[data-state="degraded"] .degraded,
[data-state="connecting"] .connecting,
[data-state="unstable"] .unstable,
[data-state="error"] .error,
[data-state="disconnected"] .disconnected {
  display: inline;
}

.body {
  fill: var(--colour);
  stroke: var(--edge);
}

.sign,
.ring,
.arc,
.limit {
  fill: none;
  stroke: var(--sign);
  stroke-width: 1.75;
}

.ring {
  stroke: var(--colour);
}

.limit {
  stroke: var(--limit);
  stroke-width: 1.5;
}

.arc {
  stroke: var(--edge);
  transform-origin: 8px 8px;
}

@media (prefers-reduced-motion: no-preference) {
  .arc { animation: spin 1.1s linear infinite; }
  .shape.unstable { animation: throb 0.7s ease-in-out infinite alternate; }
  .shape.error { animation: shake 0.4s ease-out 1; }
  .shape.connected { animation: arrive 0.35s ease-out 1; }
  .track::before { transition: translate 0.15s; }
}

@keyframes spin { to { transform: rotate(1turn); } }
@keyframes throb { from { transform: scale(1.1); } to { transform: scale(0.75); } }
@keyframes shake { 25% { transform: translateX(-1.5px); } 75% { transform: translateX(1.5px); } }
@keyframes arrive { from { transform: scale(0.4); } 60% { transform: scale(1.15); } }

/* The panel */

.panel {
  position: fixed;
  inset: auto;
  z-index: 1000; /* where there is no top layer */
  width: min(20rem, 100vw - 16px);
  max-height: calc(100vh - 16px);
  margin: 0;
  padding: 0.9rem 1rem 1rem;
  overflow: auto;
  border: 1px solid var(--line);
  border-radius: var(--radius);
  background: var(--background);
  box-shadow: 0 6px 24px rgb(0 0 0 / 18%);
  color: var(--text);
  font: var(--realtime-status-font, 400 0.875rem / 1.4 system-ui, sans-serif);
  letter-spacing: normal;
  text-align: start;
  text-transform: none;
  white-space: normal;
}

.text {
  margin: 0 0 0.7rem;
  padding-inline-start: 0.6rem;
  border-inline-start: 3px solid var(--limit, var(--colour));
  font-weight: 600;
  overflow-wrap: anywhere;
}

.facts {
  display: grid;
  grid-template-columns: repeat(3, 1fr);
  gap: 0.4rem;
  margin: 0 0 0.9rem;
}

dt {
  color: var(--quiet);
}

dd {
  margin: 0;
  font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere;
}

.row {
  display: grid;
  grid-column: 1 / -1;
  grid-template-columns: minmax(5.25rem, max-content) 1fr;
  gap: 0.75rem;
  align-items: center;
}

.latency dd {
  display: flex;
  gap: 0.75rem;
  align-items: center;
  justify-content: space-between;
  white-space: nowrap;
}

.row.lastError {
  align-items: start;
}

.session dd {
  font-family: ui-monospace, monospace;
}

.sparkline {
  width: 6.25rem;
  height: 1.5rem;
}

.base,
.line {
  fill: none;
  stroke: var(--line);
  stroke-linecap: round;
  stroke-linejoin: round;
}

.line {
  stroke: var(--accent);
  stroke-width: 1.5;
}

.count {
  margin-block: 0.25rem;
  padding: 0.35rem 0.25rem;
  border: 1px solid var(--line);
  border-radius: calc(var(--radius) * 0.75);
  text-align: center;
}

.count dt {
  font-size: 0.8125rem;
}

.count dd {
  font-size: 1.125rem;
  font-weight: 600;
  line-height: 1.25;
}

.controls {
  display: grid;
  grid-template-columns: 1fr 1fr;
  gap: 0.5rem;
}

.control {
  min-height: 2.25rem;
  padding: 0.3rem 0.5rem;
  border: 1px solid var(--line);
  border-radius: calc(var(--radius) * 0.75);
  background: transparent;
  color: inherit;
}

.control:hover:not([aria-disabled="true"]),
.switch:hover {
  background: color-mix(in srgb, var(--text) 7%, var(--background));
}

.control[aria-disabled="true"] {
  border-style: dashed;
  color: color-mix(in srgb, var(--text) 50%, var(--background));
  cursor: default;
}

.switch {
  display: flex;
  grid-column: 1 / -1;
  gap: 0.75rem;
  align-items: center;
  justify-content: space-between;
  min-height: 2.25rem;
  padding: 0.3rem 0.25rem;
  border: 0;
  border-radius: calc(var(--radius) * 0.75);
  background: transparent;
  color: inherit;
  text-align: start;
}

.track {
  flex: none;
  width: 2.25rem;
  height: 1.25rem;
  padding: 2px;
  border: 1px solid var(--quiet);
  border-radius: 999px;
}

.track::before {
  display: block;
  width: 0.875rem;
  height: 0.875rem;
  border-radius: 50%;
  background: var(--quiet);
  content: "";
}

.switch[aria-checked="true"] .track {
  border-color: var(--accent);
  background: var(--accent);
}

.switch[aria-checked="true"] .track::before {
  background: var(--background);
  translate: 1rem 0;
}

.switch:dir(rtl)[aria-checked="true"] .track::before {
  translate: -1rem 0;
}

@media (forced-colors: active) {
  .root { --line: ButtonBorder; --quiet: CanvasText; --accent: Highlight; --background: Canvas; }
  .root[data-state] { --colour: CanvasText; --sign: Canvas; --limit: CanvasText; }
  .dot { --edge: ButtonText; --colour: ButtonText; --sign: ButtonFace; --limit: ButtonText; }
  .control[aria-disabled="true"] { color: GrayText; }
  .track { forced-color-adjust: none; }
}
`;

/** @type {CSSStyleSheet | null} */
let sheet = null;

/**
 * One style sheet for all elements. Where none can be constructed, in older browsers and in jsdom,
 * each has its own.
 * @param {ShadowRoot} root
 */
export function dress(root) {
  if (!("replaceSync" in CSSStyleSheet.prototype)) return root.append(html("style", {}, CSS));
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  root.adoptedStyleSheets = [sheet];
}

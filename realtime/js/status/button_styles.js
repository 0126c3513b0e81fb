/** The styles of the button: the dot with its shapes and motion, and the word. */

// An --edge in a mix with the text's colour has as much contrast as the text. (Here, because the
// bundle keeps the comments of a style sheet.)
export const BUTTON_CSS = `
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
`;

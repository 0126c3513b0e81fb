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

svg {
  fill: none;
  stroke-linecap: round;
  stroke-linejoin: round;
}

.dot {
  --edge: color-mix(in srgb, var(--colour) 55%, currentcolor);
  flex: none;
  width: var(--realtime-status-size, 1em);
  overflow: visible;
}

.shape,
.arc {
  transform-origin: 8px 8px;
  stroke: var(--colour);
  stroke-width: 1.75;
}

.body {
  fill: var(--colour);
  stroke-width: 1;
}

.body,
.arc {
  stroke: var(--edge);
}

.sign {
  stroke: var(--sign);
}

.limit {
  stroke: var(--limit);
  stroke-width: 1.5;
}

@media (prefers-reduced-motion: no-preference) {
  .arc { animation: spin 1.1s linear infinite; }
  .shape.unstable { animation: throb 0.7s ease-in-out infinite alternate; }
  .shape.error { animation: shake 0.4s ease-out; }
  .shape.connected { animation: arrive 0.35s ease-out; }
  .track::before { transition: translate 0.15s; }
}

@keyframes spin { to { rotate: 1turn; } }
@keyframes throb { from { scale: 1.1; } to { scale: 0.75; } }
@keyframes shake { 25% { translate: -1.5px; } 75% { translate: 1.5px; } }
@keyframes arrive { from { scale: 0.4; } 60% { scale: 1.15; } }
`;

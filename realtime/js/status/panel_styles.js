/** The styles of the panel: text, facts, sparkline and controls. */

// The z-index of the panel is for browsers without a top layer.
export const PANEL_CSS = `
.panel {
  position: fixed;
  inset: auto;
  z-index: 1000;
  width: min(20rem, 100vw - 16px);
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

:host([details]) .panel {
  position: static;
  width: auto;
  max-width: 28rem;
  margin-top: 0.5rem;
  box-shadow: none;
}

:host([details]) .close,
:host([controls="none"]) .controls {
  display: none;
}

.close {
  position: sticky;
  top: 0;
  float: inline-end;
  width: 1.75rem;
  height: 1.75rem;
  margin: -0.25rem -0.4rem 0 0;
  padding: 0;
  background: var(--background);
  font-size: 1.25rem;
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
  grid-template-columns: repeat(6, 1fr);
  gap: 0.25rem 0.4rem;
}

dt {
  color: var(--quiet);
}

dd {
  font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere;
}

.row {
  display: grid;
  grid-column: span 6;
  grid-template-columns: minmax(5.25rem, max-content) 1fr;
  gap: 0.75rem;
  align-items: center;
}

.latency dd,
.switch {
  display: flex;
  gap: 0.75rem;
  align-items: center;
  justify-content: space-between;
}

.latency dd {
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
}

.base {
  stroke: var(--line);
}

.line {
  stroke: var(--accent);
  stroke-width: 1.5;
}

.count {
  grid-column: span 2;
  padding: 0.35rem 0.25rem;
  text-align: center;
}

.reconnects,
.pending {
  grid-column: span 3;
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
  margin-top: 0.9rem;
}

.control,
.switch {
  min-height: 2.25rem;
  padding: 0.3rem 0.5rem;
}

.count,
.control,
.switch {
  border-radius: calc(var(--radius) * 0.75);
}

.count,
.control {
  border: 1px solid var(--line);
}

.control:hover:not([aria-disabled="true"]),
.close:hover,
.switch:hover {
  background: color-mix(in srgb, var(--text) 7%, var(--background));
}

.control[aria-disabled="true"] {
  border-style: dashed;
  color: color-mix(in srgb, var(--text) 50%, var(--background));
  cursor: default;
}

.switch {
  grid-column: span 2;
  padding-inline: 0.25rem;
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
`;

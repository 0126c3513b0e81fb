/** The dot: one shape for each state, so that colour is not the only difference. */

import { svg } from "./dom.js";

/** @typedef {import("./view_model.js").DisplayState} DisplayState */

/** @type {Record<DisplayState, Record<string, string | number>>} parts by their classes: a circle's radius, or a path */
const SHAPES = {
  connected: { body: 6 },
  degraded: { body: 4.25, limit: 7 },
  connecting: { body: 3.5, arc: "M8 1.25a6.75 6.75 0 1 1-6.75 6.75" },
  unstable: { body: "M8 1.75 14.75 14H1.25Z", sign: "M8 6v3.6m0 2.1v.05" },
  error: {
    body: "M5.2 1.25h5.6l3.95 3.95v5.6l-3.95 3.95H5.2L1.25 10.8V5.2Z",
    sign: "m5.5 5.5 5 5m0-5-5 5",
  },
  disconnected: { ring: 5.75, slash: "m4 12 8-8" },
};

/** An SVG for the shape of a state, which the styles animate. */
export function dot() {
  return svg("svg", { part: "dot", viewBox: "0 0 16 16", "aria-hidden": "true" });
}

/** @param {DisplayState} state */
export function shape(state) {
  const parts = Object.entries(SHAPES[state]).map(([name, form]) =>
    typeof form === "number"
      ? svg("circle", { class: name, cx: "8", cy: "8", r: `${form}` })
      : svg("path", { class: name, d: form }),
  );
  return svg("g", { class: `shape ${state}` }, ...parts);
}

/** The dot: one shape for each state, so that colour is not the only difference. */

import { svg } from "./dom.js";

/** All shapes in one SVG; the styles show and animate the one of the current state. */
export function dot() {
  return svg(
    "svg",
    { class: "dot", part: "dot", viewBox: "0 0 16 16", "aria-hidden": "true" },
    shape("connected", svg("circle", { class: "body", cx: "8", cy: "8", r: "6" })),
    shape(
      "degraded",
      svg("circle", { class: "body", cx: "8", cy: "8", r: "4.25" }),
      svg("circle", { class: "limit", cx: "8", cy: "8", r: "7" }),
    ),
    shape(
      "connecting",
      svg("circle", { class: "body", cx: "8", cy: "8", r: "3.5" }),
      svg("path", { class: "arc", d: "M8 1.25a6.75 6.75 0 1 1-6.75 6.75" }),
    ),
    shape(
      "unstable",
      svg("path", { class: "body", d: "M8 1.75 14.75 14H1.25Z" }),
      svg("path", { class: "sign", d: "M8 6v3.6m0 2.1v.05" }),
    ),
    shape(
      "error",
      svg("path", {
        class: "body",
        d: "M5.2 1.25h5.6l3.95 3.95v5.6l-3.95 3.95H5.2L1.25 10.8V5.2Z",
      }),
      svg("path", { class: "sign", d: "m5.5 5.5 5 5m0-5-5 5" }),
    ),
    shape(
      "disconnected",
      svg("circle", { class: "ring", cx: "8", cy: "8", r: "5.75" }),
      svg("path", { class: "ring", d: "m4 12 8-8" }),
    ),
  );
}

/**
 * @param {string} state
 * @param {Node[]} parts
 */
function shape(state, ...parts) {
  return svg("g", { class: `shape ${state}` }, ...parts);
}

/**
 * Sessions and latency over the last hour, in the admin's colours.
 *
 * @import UPlot from "uplot"
 */
import { columns, HOUR_MS, merge } from "./points.js";

/** @import { Point } from "./points.js" */

const HEIGHT = 180;

/** The library, which the page loads as a classic script. @type {typeof UPlot} */
const Plot = /** @type {any} */ (globalThis).uPlot;

export class Chart {
  /** @type {UPlot | undefined} */
  #plot;
  /** @type {Point[]} */
  #samples = [];
  /** @type {Point[]} */
  #shown = [];
  #figure;
  #place;

  /** @param {HTMLElement} figure */
  constructor(figure) {
    this.#figure = figure;
    this.#place = /** @type {HTMLElement} */ (figure.querySelector(".realtime-plot"));
    new ResizeObserver(() => this.#fit()).observe(this.#place);
    // The admin's own switch sets an attribute; "auto" follows the system.
    const theme = { attributeFilter: ["data-theme"] };
    new MutationObserver(() => this.#draw()).observe(document.documentElement, theme);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** When the newest sample was taken: what is older need not be sent again. */
  get last() {
    return this.#samples.at(-1)?.[0] ?? 0;
  }

  /** @param {{ samples: Point[], now: Point }} points */
  add({ samples, now }) {
    this.#samples = merge(this.#samples, samples, now[0]);
    const before = this.#samples.filter(([at]) => at < now[0]);
    this.#shown = [...before, now];
    if (!this.#plot) this.#draw();
    this.#plot?.setData(/** @type {UPlot.AlignedData} */ (columns(this.#shown)));
    this.#say(null);
  }

  #draw() {
    this.#plot?.destroy();
    this.#plot = new Plot(this.#options(), /** @type {any} */ (columns(this.#shown)), this.#place);
  }

  #fit() {
    this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT });
  }

  /** The values under the pointer, or the newest, beside their names. @param {number | null} index */
  #say(index) {
    const data = columns(this.#shown);
    for (const item of this.#figure.querySelectorAll("li")) {
      const place = /** @type {HTMLElement} */ (item.querySelector("b"));
      const value = data[Number(item.dataset.series)].at(index ?? -1);
      const unit = place.dataset.unit ? ` ${place.dataset.unit}` : "";
      place.textContent = value == null ? "–" : `${Math.round(value * 10) / 10}${unit}`;
    }
  }

  /** @param {number} series */
  #ink(series) {
    const item = this.#figure.querySelector(`li[data-series="${series}"]`);
    return getComputedStyle(/** @type {Element} */ (item), "::before").color;
  }

  /** @returns {UPlot.Options} */
  #options() {
    const style = getComputedStyle(this.#figure);
    const grid = { stroke: style.getPropertyValue("--hairline-color"), width: 1 };
    const font = `11px ${style.fontFamily}`;
    const axis = { stroke: style.getPropertyValue("--body-quiet-color"), grid, font, ticks: grid };
    return {
      width: this.#place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      tzDate: this.#date(),
      hooks: { setCursor: [(plot) => this.#say(plot.cursor.idx ?? null)] },
      scales: {
        x: { range: (_, __, max) => [max - HOUR_MS / 1000, max] },
        n: { range: (_, __, max) => [0, Math.max(5, Math.ceil((max ?? 0) * 1.1))] },
        ms: { range: (_, __, max) => [0, Math.max(10, (max ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, values: "{HH}:{mm}", size: 28 },
        { ...axis, scale: "n", size: 54, incrs: WHOLE },
        { ...axis, scale: "ms", side: 1, size: 62, grid: { show: false }, values: inMs },
      ],
      series: [
        {},
        { ...line(this.#ink(1), 2), scale: "n", fill: faint(this.#ink(1)) },
        { ...line(this.#ink(2), 1.5), scale: "n", dash: [2, 3] },
        { ...line(this.#ink(3), 1.5), scale: "ms" },
        { ...line(this.#ink(4), 1.5), scale: "ms", dash: [6, 4] },
      ],
    };
  }

  /** Times as the rest of the page has them: in the server's timezone, not the browser's. */
  #date() {
    const zone = this.#figure.dataset.zone ?? "UTC";
    return (/** @type {number} */ seconds) => {
      const date = new Date(seconds * 1000);
      try {
        return Plot.tzDate(date, zone);
      } catch {
        return date; // a timezone that has no name
      }
    };
  }
}

/** There is no half session. */
const WHOLE = [1, 2, 5]
  .flatMap((n) => [1, 10, 100, 1e3, 1e4, 1e5].map((e) => n * e))
  .sort((a, b) => a - b);

/** @param {UPlot} _ @param {number[]} splits */
const inMs = (_, splits) => splits.map((ms) => `${ms} ms`);

/** @param {string} stroke @param {number} width */
const line = (stroke, width) => ({ stroke, width, points: { show: false } });

/** @param {string} ink */
const faint = (ink) => `color-mix(in srgb, ${ink} 12%, transparent)`;

/**
 * Sessions and latency over the last hour, in the admin's colours.
 *
 * @import UPlot from "uplot"
 */
import { columns, HOUR_MS, merge } from "./series.js";

/** @import { Point } from "./series.js" */

const HEIGHT = 180;
const FONT = "11px sans-serif";
/** Pixels beside a label: its gap and the axis's own line. */
const BESIDE = 18;

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

  /**
   * A line; one sample alone makes none, and is a point.
   *
   * @param {number} series @param {number} width
   */
  #line(series, width) {
    const points = { show: () => this.#shown.length === 1, size: 7 };
    return { stroke: this.#ink(series), width, points };
  }

  /** The right edge. */
  get #end() {
    return this.#shown.at(-1)?.[0] ?? Date.now();
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
        // By our own clock: of a single sample uPlot makes a whole day.
        x: { range: () => [(this.#end - HOUR_MS) / 1000, this.#end / 1000] },
        n: { range: (_, __, max) => [0, Math.max(5, Math.ceil((max ?? 0) * 1.1))] },
        ms: { range: (_, __, max) => [0, Math.max(10, (max ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, values: "{HH}:{mm}", size: 28 },
        { ...axis, scale: "n", size: room(54), incrs: WHOLE },
        { ...axis, scale: "ms", side: 1, size: room(62), grid: { show: false }, values: inMs },
      ],
      series: [
        {},
        { ...this.#line(1, 2), scale: "n", fill: faint(this.#ink(1)) },
        { ...this.#line(2, 1.5), scale: "n", dash: [2, 3] },
        { ...this.#line(3, 1.5), scale: "ms" },
        { ...this.#line(4, 1.5), scale: "ms", dash: [6, 4] },
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
  .flatMap((n) => [1, 10, 100, 1e3, 1e4, 1e5, 1e6].map((e) => n * e))
  .sort((a, b) => a - b);

/** @param {UPlot} _ @param {number[]} splits */
const inMs = (_, splits) => splits.map((ms) => `${ms} ms`);

/**
 * How wide an axis is: at least so many pixels, and enough for its longest label.
 *
 * @param {number} least
 * @returns {UPlot.Axis.Size}
 */
const room = (least) => (plot, labels) => {
  plot.ctx.font = plot.axes[0].font?.[0] ?? FONT;
  const widths = (labels ?? []).map((label) => plot.ctx.measureText(label).width);
  return Math.max(least, Math.ceil(Math.max(0, ...widths) / devicePixelRatio) + BESIDE);
};

/** @param {string} ink */
const faint = (ink) => `color-mix(in srgb, ${ink} 12%, transparent)`;

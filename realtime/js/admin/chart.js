/**
 * The chart of sessions and latency over the last hour, in the admin's colours.
 *
 * @import UPlot from "uplot"
 */
import { HOUR_MS, mergeSamples, toColumns } from "./series.js";

/** @import { Sample } from "./series.js" */

const HEIGHT = 180;
const FONT = "11px sans-serif";
/** The series in the colour of quiet text. */
const QUIET = 2;
/** Pixels beside a label: a gap and the axis's line. */
const LABEL_MARGIN = 18;

/** uPlot, which the page loads as a classic script. @type {typeof UPlot} */
const Plot = /** @type {any} */ (globalThis).uPlot;

export class Chart {
  /** @type {UPlot | undefined} */
  #plot;
  /** @type {Sample[]} */
  #samples = [];
  /** @type {Sample[]} */
  #shown = [];
  #figure;
  #container;

  /** @param {HTMLElement} figure */
  constructor(figure) {
    this.#figure = figure;
    this.#container = /** @type {HTMLElement} */ (figure.querySelector(".realtime-plot"));
    new ResizeObserver(() => this.#fit()).observe(this.#container);
    // The switch of the admin, or of a theme, sets one of these; "auto" follows the system.
    const theme = { attributeFilter: ["data-theme", "data-bs-theme", "class"] };
    new MutationObserver(() => this.#draw()).observe(document.documentElement, theme);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** The time of the newest sample, epoch ms; the server sends only newer ones. */
  get last() {
    return this.#samples.at(-1)?.[0] ?? 0;
  }

  /** @param {{ samples: Sample[], now: Sample }} data */
  add({ samples, now }) {
    this.#samples = mergeSamples(this.#samples, samples, now[0]);
    const before = this.#samples.filter(([at]) => at < now[0]);
    this.#shown = [...before, now];
    if (!this.#plot) this.#draw();
    this.#plot?.setData(/** @type {UPlot.AlignedData} */ (toColumns(this.#shown)));
    this.#showValues(null);
  }

  #draw() {
    this.#plot?.destroy();
    this.#plot = new Plot(
      this.#options(),
      /** @type {any} */ (toColumns(this.#shown)),
      this.#container,
    );
  }

  #fit() {
    this.#plot?.setSize({ width: this.#container.clientWidth, height: HEIGHT });
  }

  /** Show the values under the pointer, or the newest. @param {number | null} index */
  #showValues(index) {
    const data = toColumns(this.#shown);
    for (const item of this.#figure.querySelectorAll("li")) {
      const label = /** @type {HTMLElement} */ (item.querySelector("b"));
      const value = data[Number(item.dataset.series)].at(index ?? -1);
      const unit = label.dataset.unit ? ` ${label.dataset.unit}` : "";
      label.textContent = value == null ? "–" : `${Math.round(value * 10) / 10}${unit}`;
    }
  }

  /** @param {number} series */
  #seriesColour(series) {
    const item = this.#figure.querySelector(`li[data-series="${series}"]`);
    return getComputedStyle(/** @type {Element} */ (item), "::before").color;
  }

  /**
   * The options of a line; a single sample is a point.
   *
   * @param {number} series @param {number} width
   */
  #line(series, width) {
    const points = { show: () => this.#shown.length === 1, size: 7 };
    return { stroke: this.#seriesColour(series), width, points };
  }

  /** The right edge, epoch ms. */
  get #end() {
    return this.#shown.at(-1)?.[0] ?? Date.now();
  }

  /** @returns {UPlot.Options} */
  #options() {
    const style = getComputedStyle(this.#figure);
    const grid = { stroke: style.borderTopColor, width: 1 };
    const font = `11px ${style.fontFamily}`;
    const axis = { stroke: this.#seriesColour(QUIET), grid, font, ticks: grid };
    return {
      width: this.#container.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      tzDate: this.#date(),
      hooks: { setCursor: [(plot) => this.#showValues(plot.cursor.idx ?? null)] },
      scales: {
        // Always one hour: for a single sample uPlot would show a whole day.
        x: { range: () => [(this.#end - HOUR_MS) / 1000, this.#end / 1000] },
        n: { range: (_, __, max) => [0, Math.max(5, Math.ceil((max ?? 0) * 1.1))] },
        ms: { range: (_, __, max) => [0, Math.max(10, (max ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, values: "{HH}:{mm}", size: 28 },
        { ...axis, scale: "n", size: axisSize(54), incrs: WHOLE_STEPS },
        { ...axis, scale: "ms", side: 1, size: axisSize(62), grid: { show: false }, values: inMs },
      ],
      series: [
        {},
        { ...this.#line(1, 2), scale: "n", fill: translucent(this.#seriesColour(1)) },
        { ...this.#line(2, 1.5), scale: "n", dash: [2, 3] },
        { ...this.#line(3, 1.5), scale: "ms" },
        { ...this.#line(4, 1.5), scale: "ms", dash: [6, 4] },
      ],
    };
  }

  /** Dates in the server's timezone, as on the rest of the page. */
  #date() {
    const zone = this.#figure.dataset.zone ?? "UTC";
    return (/** @type {number} */ seconds) => {
      const date = new Date(seconds * 1000);
      try {
        return Plot.tzDate(date, zone);
      } catch {
        return date; // a timezone without a name
      }
    };
  }
}

/** Steps of the axis: sessions are whole numbers. */
const WHOLE_STEPS = [1, 2, 5]
  .flatMap((n) => [1, 10, 100, 1e3, 1e4, 1e5, 1e6].map((e) => n * e))
  .sort((a, b) => a - b);

/** @param {UPlot} _ @param {number[]} splits */
const inMs = (_, splits) => splits.map((ms) => `${ms} ms`);

/**
 * The width of an axis: enough for its longest label, and at least `least` pixels.
 *
 * @param {number} least
 * @returns {UPlot.Axis.Size}
 */
const axisSize = (least) => (plot, labels) => {
  plot.ctx.font = plot.axes[0].font?.[0] ?? FONT;
  const widths = (labels ?? []).map((label) => plot.ctx.measureText(label).width);
  return Math.max(least, Math.ceil(Math.max(0, ...widths) / devicePixelRatio) + LABEL_MARGIN);
};

/** @param {string} colour */
const translucent = (colour) => `color-mix(in srgb, ${colour} 12%, transparent)`;

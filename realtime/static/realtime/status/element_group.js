/** What all elements of one client share: the newest latencies, and who speaks. */

/** @typedef {import("../client.js").RealtimeClient} RealtimeClient */

const SAMPLES = 40;
const MEASURE_EVERY_MS = 3000;

/** @type {WeakMap<RealtimeClient, ElementGroup>} */
const known = new WeakMap();

export class ElementGroup {
  #client;
  #measuredAt = -Infinity;
  /** @type {Set<object>} */
  #elements = new Set();
  /** @type {import("./sparkline.js").Samples} at most SAMPLES, oldest first */
  samples = [];

  /** @param {RealtimeClient} client */
  constructor(client) {
    this.#client = client;
    client.addEventListener("latency", ({ detail }) => {
      this.samples = [...this.samples, detail.latency].slice(-SAMPLES);
    });
  }

  /** @param {RealtimeClient} client */
  static of(client) {
    const shared = known.get(client) ?? new ElementGroup(client);
    known.set(client, shared);
    return shared;
  }

  /** @param {object} element */
  add(element) {
    this.#elements.add(element);
  }

  /** @param {object} element */
  delete(element) {
    this.#elements.delete(element);
  }

  /**
   * One of several elements speaks for all, or a screen reader would repeat itself.
   * @param {object} element
   */
  isSpeaker(element) {
    const [first] = this.#elements;
    return first === element;
  }

  /**
   * Ping for the latency, unless somebody did so just now.
   * @param {number} now monotonic, ms
   */
  measure(now) {
    if (this.#client.state !== "connected" || now - this.#measuredAt < MEASURE_EVERY_MS) return;
    this.#measuredAt = now;
    this.#client.ping().catch(() => {}); // counted as a miss; the state tells what went wrong
  }
}

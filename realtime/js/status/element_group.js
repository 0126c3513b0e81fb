/** The state that the elements of one client share: the newest latencies, and one announcer. */

/** @typedef {import("../client.js").RealtimeClient} RealtimeClient */

const MAX_SAMPLES = 40;
const MEASURE_EVERY_MS = 3000;

/** @type {WeakMap<RealtimeClient, ElementGroup>} */
const groups = new WeakMap();

/** The group of a client, made at the first call. @param {RealtimeClient} client */
export function groupOf(client) {
  const group = groups.get(client) ?? new ElementGroup(client);
  groups.set(client, group);
  return group;
}

export class ElementGroup {
  #client;
  #measuredAt = -Infinity;
  /** @type {Set<Element>} */
  #elements = new Set();
  /** @type {import("./sparkline.js").Samples} at most MAX_SAMPLES, oldest first */
  samples = [];

  /** @param {RealtimeClient} client */
  constructor(client) {
    this.#client = client;
    client.addEventListener("latency", ({ detail }) => {
      this.samples = [...this.samples, detail.latency].slice(-MAX_SAMPLES);
    });
  }

  /** @param {Element} element */
  add(element) {
    this.#elements.add(element);
  }

  /** @param {Element} element */
  delete(element) {
    this.#elements.delete(element);
  }

  /**
   * Whether this element announces for all, so that screen readers hear each state once. They do not
   * hear what the page hides: the first element that is shown announces.
   * @param {Element} element
   */
  isAnnouncer(element) {
    const all = [...this.#elements];
    const shown = all.find((each) => each.checkVisibility?.({ visibilityProperty: true }));
    return (shown ?? all[0]) === element;
  }

  /**
   * Ping for the latency, at most once in 3 s for all elements.
   * @param {number} now monotonic, ms
   */
  measureLatency(now) {
    if (this.#client.state !== "connected" || now - this.#measuredAt < MEASURE_EVERY_MS) return;
    this.#measuredAt = now;
    this.#client.ping().catch(() => {}); // the client counts a miss and changes its state
  }
}

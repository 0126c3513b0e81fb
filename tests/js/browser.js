/** A simulated browser: tests advance its clocks and act as the server of its sockets. */

/** @typedef {{at: number, callback: () => void}} Timer */
/** @typedef {Record<string, any>} Frame */

/** A welcome, to a test that says nothing else. */
export const WELCOME = {
  type: "welcome",
  protocol: 1,
  session: "s1",
  token: "t1",
  resumed: false,
  user: "17",
  ping_interval: 25_000,
  pong_timeout: 10_000,
  resume_window: 120_000,
  window: 256,
  window_bytes: 65_536,
  max_message_size: 1_000_000,
  max_publication: 65_536,
  message_rate: 100,
  rooms: {},
};

/** A WebSocket whose server is the test. */
export class FakeSocket {
  /** @type {((event?: any) => void) | null} */
  onopen = null;
  /** @type {((event: any) => void) | null} */
  onmessage = null;
  /** @type {((event: any) => void) | null} */
  onclose = null;
  /** @type {((event?: any) => void) | null} */
  onerror = null;
  binaryType = "blob";
  readyState = 0;
  /** @type {Frame[]} text frames that the client sent */
  sent = [];
  /** @type {any[]} binary frames that the client sent */
  bytes = [];
  /** @type {number | "none" | null} the code the client closed with */
  closedWith = null;

  /**
   * @param {string} url
   * @param {string} protocol
   */
  constructor(url, protocol) {
    this.url = url;
    this.protocol = protocol;
  }

  /** @param {any} data */
  send(data) {
    if (typeof data === "string") this.sent.push(JSON.parse(data));
    else this.bytes.push(data);
  }

  /** @param {number} [code] */
  close(code) {
    if (this.closedWith === null) this.closedWith = code ?? "none";
    this.readyState = 2;
  }

  /** The connection is established. */
  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  /** The server sends a frame. @param {Frame} frame */
  receive(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /**
   * The connection ends.
   * @param {number} code
   * @param {string} [reason]
   */
  drop(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  /** The connection opens, if it is not open, and the server welcomes. @param {Frame} [fields] */
  welcome(fields = {}) {
    if (this.readyState === 0) this.open();
    this.receive({ ...WELCOME, ...fields });
  }

  /** Frames of a type that the client sent. @param {string} type */
  sentOfType(type) {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** A sessionStorage or localStorage. */
export class FakeStorage {
  /** @type {Map<string, string>} */
  items = new Map();

  /** @param {string} key */
  getItem(key) {
    return this.items.get(key) ?? null;
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  setItem(key, value) {
    this.items.set(key, value);
  }

  /** @param {string} key */
  removeItem(key) {
    this.items.delete(key);
  }

  /** The storage of a duplicated tab. */
  copy() {
    const copy = new FakeStorage();
    copy.items = new Map(this.items);
    return copy;
  }
}

class FakeDocument extends EventTarget {
  visibilityState = "visible";
}

/** One page in one tab. */
export class Browser {
  #now = 0;
  #wall = 1_795_176_000_000;
  #lastTimer = 0;
  /** @type {Map<number, Timer>} */
  #timers = new Map();
  /** @type {FakeSocket[]} */
  sockets = [];
  random = 0.5;
  window = new EventTarget();
  document = new FakeDocument();
  network = new EventTarget();
  policy = new EventTarget();
  storage;
  local;

  /**
   * @param {FakeStorage} [storage] the tab's
   * @param {FakeStorage} [local] of all tabs
   */
  constructor(storage = new FakeStorage(), local = new FakeStorage()) {
    this.storage = storage;
    this.local = local;
  }

  /** The client's `environment` option. */
  get environment() {
    const browser = this;
    class WebSocket extends FakeSocket {
      /**
       * @param {string} url
       * @param {string} protocol
       */
      constructor(url, protocol) {
        super(url, protocol);
        browser.sockets.push(this);
      }
    }
    return /** @type {any} */ ({
      WebSocket,
      now: () => this.#now,
      wall: () => this.#wall,
      setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ ms) =>
        this.#addTimer(callback, ms < 2 ** 31 ? ms : 1), // as browsers do
      clearTimeout: (/** @type {number} */ timer) => this.#timers.delete(timer),
      random: () => this.random,
      storage: this.storage,
      local: this.local,
      window: this.window,
      document: this.document,
      network: this.network,
      policy: this.policy,
    });
  }

  /** The newest socket. */
  get socket() {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  get now() {
    return this.#now;
  }

  get wall() {
    return this.#wall;
  }

  get timers() {
    return this.#timers.size;
  }

  /**
   * Advance both clocks, with punctual timers.
   * @param {number} ms
   */
  advance(ms) {
    const end = this.#now + ms;
    for (let due = this.#nextDue(end); due !== null; due = this.#nextDue(end)) {
      this.#advanceClocks(Math.max(0, due - this.#now));
      this.#now = Math.max(this.#now, due); // the sum may have been rounded down
      this.#runDueTimers();
    }
    this.#advanceClocks(end - this.#now);
  }

  /**
   * Advance both clocks while the server of the newest socket sends nothing but pings.
   * @param {number} ms
   */
  advanceWithPings(ms) {
    for (let rest = ms; rest > 0; rest -= 1000) {
      this.socket.receive({ type: "ping", sequence: 1, timestamp: "" });
      this.advance(Math.min(rest, 1000));
    }
  }

  /**
   * Advance both clocks in a hidden tab whose timers run only at the end.
   * @param {number} ms
   */
  advanceThrottled(ms) {
    this.#advanceClocks(ms);
    this.#runDueTimers();
  }

  /**
   * The device sleeps: only the wall clock advances, and no timer runs.
   * @param {number} ms
   */
  sleep(ms) {
    this.#wall += ms;
  }

  /**
   * The process is stopped: both clocks advance, and timers are overdue at the end.
   * @param {number} ms
   */
  stall(ms) {
    this.#advanceClocks(ms);
  }

  /** @param {"visible" | "hidden"} state */
  setVisibility(state) {
    this.document.visibilityState = state;
    this.document.dispatchEvent(new Event("visibilitychange"));
  }

  /** Another tab wrote to the localStorage. @param {string} key */
  storageEvent(key) {
    this.window.dispatchEvent(Object.assign(new Event("storage"), { key }));
  }

  hidePage() {
    this.window.dispatchEvent(new Event("pagehide"));
  }

  /** The page returns from the back-forward cache, and the page that was here has gone. */
  restorePage() {
    this.window.dispatchEvent(new Event("pageshow"));
    this.advance(100);
  }

  /**
   * @param {() => void} callback
   * @param {number} ms
   */
  #addTimer(callback, ms) {
    const timer = ++this.#lastTimer;
    this.#timers.set(timer, { at: this.#now + ms, callback });
    return timer;
  }

  /** @param {number} ms */
  #advanceClocks(ms) {
    this.#now += ms;
    this.#wall += ms;
  }

  /** @param {number} end */
  #nextDue(end) {
    const dues = [...this.#timers.values()].map(({ at }) => at).filter((at) => at <= end);
    return dues.length ? Math.min(...dues) : null;
  }

  /** Run the timers that are due now, each once, and not those that they set. */
  #runDueTimers() {
    for (const [timer, { at, callback }] of [...this.#timers]) {
      if (at > this.#now || !this.#timers.delete(timer)) continue;
      callback();
    }
  }
}

/**
 * The details of a client's events of a type: a list that grows.
 * @param {EventTarget} client
 * @param {string} type
 */
export function recordEvents(client, type) {
  /** @type {any[]} */
  const details = [];
  client.addEventListener(type, (event) => {
    details.push(/** @type {CustomEvent} */ (event).detail);
  });
  return details;
}

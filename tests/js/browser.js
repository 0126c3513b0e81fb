/** A browser for tests: its clocks are turned by hand, its network is a list of sockets. */

/** @typedef {{at: number, callback: () => void}} Timer */
/** @typedef {Record<string, any>} Frame */

/** The other end of the wire, and the wire. */
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
  /** @type {Frame[]} */
  sent = [];
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

  /** @type {any[]} binary frames */
  bytes = [];

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

  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  /** @param {Frame} frame */
  says(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /**
   * @param {number} code
   * @param {string} [reason]
   */
  breaks(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  /** @param {Frame} [fields] */
  welcomes(fields = {}) {
    this.open();
    this.says({
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
      rooms: {},
      ...fields,
    });
  }

  /** @param {string} type */
  sentOf(type) {
    return this.sent.filter((frame) => frame.type === type);
  }
}

/** As sessionStorage of one tab. */
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

  /** What a duplicated tab starts with. */
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
  #nextTimer = 1;
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

  /** What a client is given of this browser. */
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
        this.#set(callback, ms),
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
   * Let time pass, with punctual timers.
   * @param {number} ms
   */
  pass(ms) {
    const end = this.#now + ms;
    for (let due = this.#earliest(end); due !== null; due = this.#earliest(end)) {
      this.#turn(Math.max(0, due - this.#now));
      this.#run();
    }
    this.#turn(end - this.#now);
  }

  /**
   * Let time pass in which the server of the newest socket beats, and says nothing else.
   * @param {number} ms
   */
  passBeating(ms) {
    for (let rest = ms; rest > 0; rest -= 1000) {
      this.socket.says({ type: "ping", sequence: 1, timestamp: "" });
      this.pass(Math.min(rest, 1000));
    }
  }

  /**
   * Let time pass in a hidden tab whose timers may run only at its end.
   * @param {number} ms
   */
  passThrottled(ms) {
    this.#turn(ms);
    this.#run();
  }

  /**
   * The device sleeps: the wall clock goes on, timers and the monotonic clock do not.
   * @param {number} ms
   */
  sleep(ms) {
    this.#wall += ms;
  }

  /**
   * The process is stopped: both clocks go on, timers are overdue at its end.
   * @param {number} ms
   */
  stall(ms) {
    this.#turn(ms);
  }

  /** @param {"visible" | "hidden"} state */
  turn(state) {
    this.document.visibilityState = state;
    this.document.dispatchEvent(new Event("visibilitychange"));
  }

  /** Another tab has written to the localStorage. @param {string} key */
  isTold(key) {
    this.window.dispatchEvent(Object.assign(new Event("storage"), { key }));
  }

  leave() {
    this.window.dispatchEvent(new Event("pagehide"));
  }

  /** Out of the back-forward cache, and until the page that was here has gone. */
  comeBack() {
    this.window.dispatchEvent(new Event("pageshow"));
    this.pass(100);
  }

  /**
   * @param {() => void} callback
   * @param {number} ms
   */
  #set(callback, ms) {
    const timer = this.#nextTimer++;
    this.#timers.set(timer, { at: this.#now + ms, callback });
    return timer;
  }

  /** @param {number} ms */
  #turn(ms) {
    this.#now += ms;
    this.#wall += ms;
  }

  /** @param {number} end */
  #earliest(end) {
    const dues = [...this.#timers.values()].map(({ at }) => at).filter((at) => at <= end);
    return dues.length ? Math.min(...dues) : null;
  }

  /** The timers that are due now, each once; what they set anew waits for its own time. */
  #run() {
    for (const [timer, { at, callback }] of [...this.#timers]) {
      if (at > this.#now || !this.#timers.delete(timer)) continue;
      callback();
    }
  }
}

/**
 * What a client told its page: every event with its detail, in order.
 * @param {EventTarget} client
 * @param {string} type
 */
export function heard(client, type) {
  /** @type {any[]} */
  const details = [];
  client.addEventListener(type, (event) => {
    details.push(/** @type {CustomEvent} */ (event).detail);
  });
  return details;
}

/**
 * One WebSocket, from hello to its end. The client makes a new one for every attempt.
 *
 * A connection calls `onEnd` once, or never if the owner closes it; no other callback follows.
 * It does not wait for the socket's `close` event, which a browser sends a minute late when the
 * network is gone.
 */

import { LOST, reasonFor } from "./codes.js";
import { isBlockedByPolicy, POLICY_REASON } from "./connect_errors.js";
import { FlowControl } from "./flow_control.js";
import { parseJson, utf8Length } from "./json.js";
import { Timer } from "./timer.js";
import { Watchdog } from "./watchdog.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {Record<string, any>} Frame */

/**
 * @typedef {object} End
 * @property {number} code the server's, from its goodbye or its close frame; 1006 if it sent none
 * @property {string} reason
 * @property {unknown} [delay] the server's window `[from, to]` for the return, ms
 * @property {boolean} [permanent] a retry from this page cannot succeed
 * @property {import("./connect_errors.js").ConnectErrorCause} [cause] of a failed attempt, where the code does not give it
 */

/**
 * @typedef {object} ConnectionOwner
 * @property {import("./events.js").Emit} emit
 * @property {() => Frame} hello returns the first frame
 * @property {(welcome: Frame) => void} onWelcome
 * @property {(direction: "in" | "out", frame: Frame) => void} onFrame after each sent frame, and before each received one is handled
 * @property {(doubting: boolean) => void} onDoubt true: a probe is unanswered; false: no longer
 * @property {(latency: number | null) => void} onLatency of the client's own ping, ms; null: no answer in time
 * @property {() => void} onAuthExpiring the login needs a new token
 * @property {{onFrame: (frame: Frame, text: string) => void}} messaging gets frames about rooms, messages and requests, after the welcome
 * @property {(end: End) => void} onEnd
 */

const SUBPROTOCOL = "realtime.v1";
// A slower welcome may include a delay of the server: the client measures again with a ping.
const SLOW_MS = 1000;
// An attempt that is silent for so long may belong to a network that is gone.
const STUCK_MS = 3000;
const CLOSE_MS = 1000;
const OPEN = 1; // WebSocket.OPEN, also where tests replace the WebSocket

export class Connection {
  #environment;
  #timeouts;
  #owner;
  #socket;
  #deadline;
  /** When the current phase began: opening, or waiting for the welcome. */
  #phaseStartedAt;
  #onViolation;
  /** @type {Watchdog | null} */
  #watchdog = null;
  /** @type {FlowControl | null} set by the welcome */
  #flow = null;
  #pingCount = 0;
  #maxBytes = 0;
  #over = false;
  /** Whether the server's newest notice says that it cannot reach its store. */
  degraded = false;

  /**
   * Opens the socket. Throws what the WebSocket constructor throws.
   * @param {string} url
   * @param {Environment} environment
   * @param {import("./adaptive_timeouts.js").AdaptiveTimeouts} timeouts
   * @param {ConnectionOwner} owner
   */
  constructor(url, environment, timeouts, owner) {
    this.#environment = environment;
    this.#timeouts = timeouts;
    this.#owner = owner;
    this.#deadline = new Timer(environment);
    this.#phaseStartedAt = environment.now();
    this.#socket = this.#openSocket(url);
    this.#onViolation = (/** @type {any} */ event) =>
      isBlockedByPolicy(event, url) &&
      this.#end({ code: LOST, reason: POLICY_REASON, permanent: true, cause: "policy" });
    // It would be too late if browsers did not report violations in a task of their own.
    environment.policy?.addEventListener("securitypolicyviolation", this.#onViolation);
    this.#setDeadline();
  }

  /**
   * @param {string} url
   * @returns {WebSocket}
   */
  #openSocket(url) {
    const socket = new this.#environment.WebSocket(url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#onOpen();
    socket.onmessage = this.#onMessage;
    socket.onclose = (event) => this.#onClosed(event);
    // A close event follows, except where the browser refuses to connect at all.
    const refused = { code: LOST, reason: "the browser refuses to connect" };
    socket.onerror = () => this.#flow || this.#deadline.set(CLOSE_MS, () => this.#end(refused));
    return socket;
  }

  /** Whether an attempt makes no progress: the network it began on may be gone. */
  get isStuck() {
    const time = this.#environment.now() - this.#phaseStartedAt;
    return !this.#flow && time >= this.#timeouts.openingMs(STUCK_MS);
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} whether the socket took it
   */
  send(frame) {
    if (this.#socket.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    if (frame.id) this.#watchdog?.expectAnswer();
    this.#owner.onFrame("out", frame.auth ? { ...frame, auth: "…" } : frame);
    return true;
  }

  /**
   * Send a binary frame. Throws TypeError for other data and RangeError above the server's limit.
   * @param {BufferSource | Blob} data
   * @returns {boolean} whether the socket took it
   */
  sendBytes(data) {
    if (!this.#flow || this.#socket.readyState !== OPEN) return false;
    const size = data instanceof Blob ? data.size : data.byteLength;
    if (typeof size !== "number") throw new TypeError("expected bytes");
    if (size > this.#maxBytes) throw new RangeError(`above ${this.#maxBytes} bytes`);
    this.#socket.send(data);
    this.#watchdog?.expectAnswer();
    return true;
  }

  /** Check with doubt: a server that stays silent for 2 s (longer on a slow line) is lost. */
  probe() {
    this.#watchdog?.probe();
  }

  /** Check without doubt: the connection is in doubt only if no answer comes in time. */
  pingQuietly() {
    this.#watchdog?.ping();
    this.#watchdog?.expectAnswer();
  }

  /** @returns {Promise<number | string> | undefined} as of the watchdog; undefined before the welcome */
  ping() {
    return this.#watchdog?.ping();
  }

  /**
   * Close from this side. No callback follows, and `onEnd` is not called.
   * @param {number} [code]
   */
  close(code) {
    this.#over = true;
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    this.#deadline.clear();
    this.#ignoreViolations();
    this.#watchdog?.stop();
    this.#socket.close(code);
  }

  #onOpen() {
    this.#ignoreViolations(); // from now on a violation is about other connections
    this.#phaseStartedAt = this.#environment.now();
    this.#setDeadline();
    this.send(this.#owner.hello());
  }

  /** End the attempt if the next step takes too long. */
  #setDeadline() {
    const ms = this.#timeouts.attemptMs;
    const reason = `no answer within ${Math.round(ms / 1000)} s`;
    this.#deadline.set(ms, () => {
      this.#timeouts.onAttemptTimeout();
      this.#end({ code: LOST, reason, cause: "timeout" });
    });
  }

  #ignoreViolations() {
    const { policy } = this.#environment;
    policy?.removeEventListener("securitypolicyviolation", this.#onViolation);
  }

  #onMessage = (/** @type {MessageEvent} */ { data }) => {
    this.#watchdog?.onFrame();
    if (this.#over) return; // a callback may close the connection, here and below
    if (typeof data !== "string") return this.#flow && this.#owner.emit("bytes", { data });
    const frame = parseJson(data);
    if (typeof frame?.type !== "string") return; // not of this protocol
    this.#owner.onFrame("in", frame); // also those that the client does not know
    if (this.#over) return;
    const handler = this.#handlers[frame.type];
    if (handler) return handler(frame);
    // First: it counts even if a listener throws.
    if (frame.type === "publication") this.#flow?.onReceived(utf8Length(data));
    if (this.#flow && !this.#over) this.#owner.messaging.onFrame(frame, data);
  };

  /** @type {Record<string, (frame: any) => void>} by the types of the frames; the others are about rooms, messages and requests */
  #handlers = {
    __proto__: /** @type {any} */ (null),
    welcome: (frame) => {
      if (this.#watchdog) return;
      const took = this.#environment.now() - this.#phaseStartedAt;
      this.#timeouts.onWelcome(frame, took);
      this.#deadline.clear();
      this.#maxBytes = frame.max_message_size;
      this.#flow = new FlowControl(frame, (count) => this.send({ type: "received", count }));
      this.#watchdog = new Watchdog(frame, this.#environment, this.#timeouts, this, this.#owner);
      this.#owner.onWelcome(frame);
      if (took > SLOW_MS && !this.#over) this.#watchdog.ping();
    },
    // Answered within the network callback, because hidden tabs delay timers.
    ping: ({ sequence, timestamp }) => {
      this.send({
        type: "pong",
        sequence,
        timestamp,
        client_time: this.#environment.wall(),
        received: this.#flow?.acknowledge(),
        ping_count: ++this.#pingCount,
      });
    },
    pong: ({ sequence }) => this.#watchdog?.onPong(sequence),
    notice: ({ state }) => {
      if (state !== "degraded" && state !== "ok") return; // of a later version
      this.degraded = state === "degraded";
      this.#owner.emit("notice", { state });
    },
    auth_expiring: () => this.#owner.onAuthExpiring(),
    goodbye: (frame) => this.#onClosed(frame),
  };

  /** The watchdog has given the connection up. */
  onLost() {
    this.#owner.onLatency(null);
    if (!this.#over) this.#end({ code: LOST, reason: "the server does not answer" });
  }

  /** The server has ended it. @param {{code: number, reason: string, delay?: unknown}} message a goodbye or close frame */
  #onClosed({ code, reason, delay }) {
    this.#end({ code, reason, delay });
  }

  /** @param {Partial<End> & {code: number}} end */
  #end(end) {
    this.close();
    this.#owner.onEnd({ ...end, reason: end.reason || reasonFor(end.code) });
  }
}

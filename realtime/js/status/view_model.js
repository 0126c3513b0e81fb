/** The view model: the texts that the element shows, computed from the client's stats. No DOM. */

import { isFinal, isLoginNeeded, RESTARTING, reasonFor } from "../codes.js";
import { CONSTRUCTOR_FAILED, POLICY_REASON } from "../connect_errors.js";
import { interpolate, standardReason } from "./i18n.js";
import { range } from "./sparkline.js";

/** @typedef {import("../events.js").Stats} Stats */
/** @typedef {import("../states.js").ClientState | "degraded"} DisplayState "degraded": connected, with a notice */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./format.js").Formats} Formats */
/** @typedef {import("./sparkline.js").Samples} Samples */

/**
 * @typedef {object} Context
 * @property {number} now ms since the epoch
 * @property {Words} words
 * @property {Formats} formats
 */

const SESSION_LENGTH = 8; // enough to find it in the admin, which searches by prefix

/**
 * @param {Stats} stats
 * @param {Samples} samples
 * @param {Context} context
 */
export function viewModel(stats, samples, context) {
  return new Texts(stats, context).model(samples);
}

/**
 * The announcement for screen readers.
 * @param {DisplayState} state
 * @param {Words} words
 */
export function announcement(state, words) {
  return state === "degraded" ? `${words.connected} ${words.degraded}` : words[state];
}

class Texts {
  #stats;
  #now;
  #words;
  #formats;

  /**
   * @param {Stats} stats
   * @param {Context} context
   */
  constructor(stats, { now, words, formats }) {
    this.#stats = stats;
    this.#now = now;
    this.#words = words;
    this.#formats = formats;
  }

  /** @param {Samples} samples */
  model(samples) {
    const [stats, words, formats] = [this.#stats, this.#words, this.#formats];
    const displayState = this.#displayState();
    return {
      displayState,
      word: words[stats.state],
      note: displayState === "degraded" ? words.degraded : "",
      countdown: this.#withTime(words.countdown, ""),
      text: this.#explanation(),
      since: this.#since(stats.connectedSince ?? stats.stateSince),
      network: this.#network(),
      session: stats.session ? `${stats.session.slice(0, SESSION_LENGTH)}…` : "–",
      latency: stats.latency === null ? "–" : formats.latency(stats.latency),
      latencyRange: this.#latencyRange(samples),
      pings: formats.number(stats.pings),
      pongs: formats.number(stats.pongs),
      misses: formats.number(stats.misses),
      reconnects: formats.number(stats.reconnects),
      pending: formats.number(stats.pending),
      lastPing: this.#since(stats.lastPingAt),
      lastPong: this.#since(stats.lastPongAt),
      attempts: this.#attempts(),
      lastError: this.#lastError(),
      enabled: enabledControls(stats),
      autoReconnect: stats.autoReconnect,
    };
  }

  /** @returns {DisplayState} */
  #displayState() {
    const { state, degraded } = this.#stats;
    return state === "connected" && degraded ? "degraded" : state;
  }

  /**
   * The text with the time to the next attempt, in whole seconds.
   * @param {string} text
   * @param {string} otherwise if none is scheduled
   */
  #withTime(text, otherwise, values = {}) {
    const { nextAttemptAt } = this.#stats;
    if (nextAttemptAt === null) return otherwise;
    const seconds = Math.ceil((nextAttemptAt - this.#now) / 1000);
    return interpolate(text, { ...values, time: this.#formats.duration(seconds * 1000) });
  }

  #explanation() {
    const [{ state, reason }, words] = [this.#stats, this.#words];
    if (state === "connecting") return this.#connecting();
    if (state === "error") return `${this.#failure()} ${this.#advice()}`;
    if (state !== "disconnected") return words[`${this.#displayState()}Text`];
    if (!reason) return words.disconnectedText;
    const ended = interpolate(words.endedText, { error: this.#reason() });
    return `${ended} ${this.#advice()}`.trim();
  }

  /** Advice to the reader; "" where none helps. */
  #advice() {
    const [{ state, autoReconnect }, words] = [this.#stats, this.#words];
    if (isLoginNeeded(this.#cause()?.code))
      return autoReconnect ? words.logInText : words.logInAndText;
    if (state === "error") return words.stayingText;
    return autoReconnect ? "" : words.switchedOffText;
  }

  #connecting() {
    const [{ attempts, reason }, words] = [this.#stats, this.#words];
    if (reason === reasonFor(RESTARTING))
      return this.#withTime(words.restartingWaitingText, words.restartingText);
    const n = this.#formats.number(attempts);
    const trying = attempts < 2 ? words.connectingText : interpolate(words.retryingText, { n });
    return this.#withTime(words.waitingText, trying);
  }

  #failure() {
    const [{ attempts, reason, lastError }, words] = [this.#stats, this.#words];
    const gaveUp = reason !== lastError?.reason && !isFinal(lastError?.code ?? 0);
    const text = gaveUp ? words.gaveUpText : words.endedText;
    return interpolate(text, { error: this.#reason(), n: this.#formats.number(attempts) });
  }

  /** The last error, if it is the reason of the current state. */
  #cause() {
    const { reason, lastError } = this.#stats;
    return lastError && reason.endsWith(lastError.reason) ? lastError : null;
  }

  #reason() {
    const cause = this.#cause();
    return cause ? this.#inWords(cause) : this.#stats.reason;
  }

  /**
   * A translation of the server's standard reasons; a reason that a person wrote stays as it is.
   * @param {import("../events.js").LastError} error
   */
  #inWords({ code, reason }) {
    if (reason === POLICY_REASON) return this.#words.policy;
    const isStandard = code < 4000 || reason === standardReason(code) || reason === reasonFor(code);
    if (!isStandard || reason.startsWith(CONSTRUCTOR_FAILED)) return reason;
    return this.#words[`code${code}`] ?? reason;
  }

  #network() {
    if (this.#stats.transport) return "WebSocket";
    return this.#stats.online ? this.#words.online : this.#words.offline;
  }

  /** @param {number | null} at */
  #since(at) {
    if (at === null) return "–";
    const { moment, duration } = this.#formats;
    return `${moment(at, this.#now)} · ${duration(this.#now - at)}`;
  }

  /** @param {Samples} samples */
  #latencyRange(samples) {
    const answered = range(samples);
    if (!answered) return "";
    const { number, latency } = this.#formats;
    return interpolate(this.#words.latencyRange, {
      n: number(answered.count),
      min: latency(answered.fastest),
      max: latency(answered.slowest),
    });
  }

  #attempts() {
    const [{ attempts, maxAttempts }, { number }] = [this.#stats, this.#formats];
    if (attempts === 0) return this.#words.none;
    const n = number(attempts) + (maxAttempts < Infinity ? `/${number(maxAttempts)}` : "");
    return this.#withTime(this.#words.attemptsNext, n, { n });
  }

  #lastError() {
    const error = this.#stats.lastError;
    if (!error) return this.#words.none;
    const time = `(${error.code}), ${this.#formats.moment(error.at, this.#now)}`;
    return interpolate("{error} {time}", { error: this.#inWords(error), time });
  }
}

/**
 * Which controls have an effect now.
 * @param {Stats} stats
 */
function enabledControls({ state, nextAttemptAt }) {
  const isUp = state === "connected" || state === "unstable";
  const isIdle = state === "disconnected" || state === "error";
  return {
    reconnect: isIdle || nextAttemptAt !== null,
    disconnect: state !== "disconnected",
    ping: isUp,
  };
}

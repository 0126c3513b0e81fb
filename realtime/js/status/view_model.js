/** The view model: the texts that the element shows, computed from the client's stats. No DOM. */

import { isFinal, LOGIN_NEEDED, RESTARTING, reasonFor } from "../codes.js";
import { CONSTRUCTOR_FAILED, POLICY_REASON } from "../connect_errors.js";
import { interpolate, standardReason } from "./i18n.js";
import { answered } from "./sparkline.js";

/** @typedef {import("../events.js").Stats} Stats */
/** @typedef {import("../state_tracker.js").ClientState | "degraded"} DisplayState "degraded": connected, with a notice */
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
  return new Texts(stats, samples, context).model();
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
  #samples;
  #now;
  #words;
  #formats;

  /**
   * @param {Stats} stats
   * @param {Samples} samples
   * @param {Context} context
   */
  constructor(stats, samples, { now, words, formats }) {
    this.#stats = stats;
    this.#samples = samples;
    this.#now = now;
    this.#words = words;
    this.#formats = formats;
  }

  model() {
    const stats = this.#stats;
    const { number, latency } = this.#formats;
    const displayState = this.#displayState();
    return {
      displayState,
      word: this.#words[stats.state],
      note: displayState === "degraded" ? this.#words.degraded : "",
      countdown: this.#withTime(this.#words.countdown, ""),
      text: this.#explanation(),
      since: this.#since(stats.connectedSince ?? stats.stateSince),
      network: this.#network(),
      session: stats.session ? `${stats.session.slice(0, SESSION_LENGTH)}…` : "–",
      latency: stats.latency === null ? "–" : latency(stats.latency),
      latencyRange: this.#latencyRange(),
      pings: number(stats.pings),
      pongs: number(stats.pongs),
      misses: number(stats.misses),
      reconnects: number(stats.reconnects),
      pending: number(stats.pending),
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
    const { state, reason } = this.#stats;
    if (state === "connecting") return this.#connecting();
    if (state === "error") return `${this.#failure()} ${this.#advice()}`;
    if (state !== "disconnected") return this.#words[`${this.#displayState()}Text`];
    return reason ? `${this.#ended()} ${this.#advice()}`.trim() : this.#words.disconnectedText;
  }

  /** Advice to the reader; "" where none helps. */
  #advice() {
    const { state, autoReconnect } = this.#stats;
    if (LOGIN_NEEDED.includes(this.#cause()?.code ?? 0))
      return autoReconnect ? this.#words.logInText : this.#words.logInAndText;
    if (state === "error") return this.#words.stayingText;
    return autoReconnect ? "" : this.#words.switchedOffText;
  }

  #connecting() {
    const { attempts, reason } = this.#stats;
    if (reason === reasonFor(RESTARTING))
      return this.#withTime(this.#words.restartingWaitingText, this.#words.restartingText);
    const n = this.#formats.number(attempts);
    const { connectingText, retryingText, waitingText } = this.#words;
    return this.#withTime(
      waitingText,
      attempts < 2 ? connectingText : interpolate(retryingText, { n }),
    );
  }

  #failure() {
    const { reason, lastError } = this.#stats;
    const gaveUp = reason !== lastError?.reason && !isFinal(lastError?.code ?? 0);
    return this.#ended(gaveUp ? this.#words.gaveUpText : this.#words.endedText);
  }

  #ended(text = this.#words.endedText) {
    const n = this.#formats.number(this.#stats.attempts);
    return interpolate(text, { error: this.#reason(), n });
  }

  /** The last error, if it is the reason of the current state. */
  #cause() {
    const { reason, lastError } = this.#stats;
    return lastError && reason.endsWith(lastError.reason) ? lastError : null;
  }

  #reason() {
    const { reason } = this.#stats;
    const code = reason === reasonFor(RESTARTING) ? RESTARTING : 0; // this one is the client's own
    return this.#inWords(this.#cause() ?? { code, reason });
  }

  /**
   * A translation of the server's standard reasons; a reason that a person wrote stays as it is.
   * @param {Pick<import("../events.js").LastError, "code" | "reason">} error
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

  #latencyRange() {
    const pings = answered(this.#samples);
    if (!pings.length) return "";
    const { number, latency } = this.#formats;
    return interpolate(this.#words.latencyRange, {
      n: number(pings.length),
      min: latency(Math.min(...pings)),
      max: latency(Math.max(...pings)),
    });
  }

  #attempts() {
    const { attempts, maxAttempts } = this.#stats;
    if (attempts === 0) return this.#words.none;
    const max = maxAttempts < Infinity ? `/${this.#formats.number(maxAttempts)}` : "";
    const n = this.#formats.number(attempts) + max;
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

/** The view model: the texts that the element shows, computed from the client's stats. No DOM. */

import { isFinal, isLoginNeeded, RESTARTING, reasonFor } from "../codes.js";
import { CONSTRUCTOR_FAILED, POLICY_REASON } from "../connect_errors.js";
import { interpolate, STANDARD_REASONS } from "./i18n.js";
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
  const { words, formats } = context;
  const displayState = displayStateOf(stats);
  return {
    displayState,
    word: words[stats.state],
    note: displayState === "degraded" ? words.degraded : "",
    countdown: countdown(stats, context),
    text: explanation(stats, context),
    since: since(stats.connectedSince ?? stats.stateSince, context),
    network: network(stats, words),
    session: stats.session ? `${stats.session.slice(0, SESSION_LENGTH)}…` : "–",
    latency: stats.latency === null ? "–" : formats.latency(stats.latency),
    latencyRange: latencyRange(samples, context),
    pings: formats.number(stats.pings),
    pongs: formats.number(stats.pongs),
    misses: formats.number(stats.misses),
    reconnects: formats.number(stats.reconnects),
    pending: formats.number(stats.pending),
    lastPing: since(stats.lastPingAt, context),
    lastPong: since(stats.lastPongAt, context),
    attempts: attempts(stats, context),
    lastError: lastError(stats, context),
    enabled: enabledControls(stats),
    autoReconnect: stats.autoReconnect,
  };
}

/**
 * The announcement for screen readers.
 * @param {DisplayState} state
 * @param {Words} words
 */
export function announcement(state, words) {
  return state === "degraded" ? `${words.connected} ${words.degraded}` : words[state];
}

/**
 * @param {Stats} stats
 * @returns {DisplayState}
 */
function displayStateOf({ state, degraded }) {
  return state === "connected" && degraded ? "degraded" : state;
}

/**
 * The time to the next attempt in whole seconds; "" if none is scheduled.
 * @param {Stats} stats
 * @param {Context} context
 */
function untilNext({ nextAttemptAt }, { now, formats }) {
  if (nextAttemptAt === null) return "";
  return formats.duration(Math.ceil((nextAttemptAt - now) / 1000) * 1000);
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function countdown(stats, context) {
  const time = untilNext(stats, context);
  return time && interpolate(context.words.countdown, { time });
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function explanation(stats, context) {
  const { words } = context;
  if (stats.state === "connecting") return connecting(stats, context);
  if (stats.state === "error") return `${failure(stats, context)} ${advice(stats, context)}`;
  if (stats.state !== "disconnected") return words[`${displayStateOf(stats)}Text`];
  if (!stats.reason) return words.disconnectedText;
  const ended = interpolate(words.endedText, { error: reasonInWords(stats, words) });
  return `${ended} ${advice(stats, context)}`.trim();
}

/**
 * Advice to the reader; "" where none helps.
 * @param {Stats} stats
 * @param {Context} context
 */
function advice(stats, { words }) {
  const { state, autoReconnect } = stats;
  if (isLoginNeeded(causeOf(stats)?.code))
    return autoReconnect ? words.logInText : words.logInAndText;
  if (state === "error") return words.stayingText;
  return autoReconnect ? "" : words.switchedOffText;
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function connecting(stats, context) {
  const { words, formats } = context;
  const time = untilNext(stats, context);
  if (stats.reason === reasonFor(RESTARTING))
    return time ? interpolate(words.restartingWaitingText, { time }) : words.restartingText;
  if (time) return interpolate(words.waitingText, { time });
  if (stats.attempts < 2) return words.connectingText;
  return interpolate(words.retryingText, { n: formats.number(stats.attempts) });
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function failure(stats, { words, formats }) {
  const error = reasonInWords(stats, words);
  const gaveUp = stats.reason !== stats.lastError?.reason && !isFinal(stats.lastError?.code ?? 0);
  const text = gaveUp ? words.gaveUpText : words.endedText;
  return interpolate(text, { error, n: formats.number(stats.attempts) });
}

/**
 * The last error, if it is the reason of the current state.
 * @param {Stats} stats
 */
function causeOf({ reason, lastError }) {
  return lastError && reason.endsWith(lastError.reason) ? lastError : null;
}

/**
 * @param {Stats} stats
 * @param {Words} words
 */
function reasonInWords(stats, words) {
  const cause = causeOf(stats);
  return cause ? errorInWords(cause, words) : stats.reason;
}

/**
 * A translation of the server's standard reasons; a reason that a person wrote stays as it is.
 * @param {import("../events.js").LastError} error
 * @param {Words} words
 */
function errorInWords({ code, reason }, words) {
  if (reason === POLICY_REASON) return words.policy;
  const isStandard = code < 4000 || reason === STANDARD_REASONS[code] || reason === reasonFor(code);
  if (!isStandard || reason.startsWith(CONSTRUCTOR_FAILED)) return reason;
  return words[`code${code}`] ?? reason;
}

/**
 * @param {Stats} stats
 * @param {Words} words
 */
function network({ online, transport }, words) {
  if (transport) return "WebSocket";
  return online ? words.online : words.offline;
}

/**
 * @param {number | null} at
 * @param {Context} context
 */
function since(at, { now, formats }) {
  if (at === null) return "–";
  return `${formats.moment(at, now)} · ${formats.duration(now - at)}`;
}

/**
 * @param {Samples} samples
 * @param {Context} context
 */
function latencyRange(samples, { words, formats }) {
  const answered = range(samples);
  if (!answered) return "";
  const { count, fastest, slowest } = answered;
  const [min, max] = [formats.latency(fastest), formats.latency(slowest)];
  return interpolate(words.latencyRange, { n: formats.number(count), min, max });
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function attempts(stats, context) {
  const { words, formats } = context;
  if (stats.attempts === 0) return words.none;
  const max = stats.maxAttempts < Infinity ? `/${formats.number(stats.maxAttempts)}` : "";
  const n = formats.number(stats.attempts) + max;
  const time = untilNext(stats, context);
  return time ? interpolate(words.attemptsNext, { n, time }) : n;
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function lastError({ lastError: error }, { now, words, formats }) {
  if (!error) return words.none;
  const time = `(${error.code}), ${formats.moment(error.at, now)}`;
  return interpolate("{error} {time}", { error: errorInWords(error, words), time });
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

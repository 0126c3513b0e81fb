/** What the element shows, in words, from what the client knows. No DOM here. */

import { isAboutLogin, isFinal, RESTARTING, reasonFor } from "../codes.js";
import { POLICY_REASON, UNMADE } from "../connect_errors.js";
import { fill, STANDARD } from "./i18n.js";
import { range } from "./sparkline.js";

/** @typedef {import("../events.js").Stats} Stats */
/** @typedef {import("../states.js").ClientState | "degraded"} Look a state, or a shade of connected */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {import("./format.js").Formats} Formats */
/** @typedef {import("./sparkline.js").Samples} Samples */

/**
 * @typedef {object} Context
 * @property {number} now ms since the epoch
 * @property {Words} words
 * @property {Formats} formats
 */

const SESSION_SHOWN = 8; // enough to find it in the admin, which searches by prefix

/**
 * @param {Stats} stats
 * @param {Samples} samples
 * @param {Context} context
 */
export function facts(stats, samples, context) {
  const { words, formats } = context;
  const look = lookOf(stats);
  return {
    look,
    word: words[stats.state],
    note: look === "degraded" ? words.degraded : "",
    countdown: countdown(stats, context),
    text: explanation(stats, context),
    since: since(stats.stateSince, context),
    session: stats.session ? `${stats.session.slice(0, SESSION_SHOWN)}…` : "–",
    latency: stats.latency === null ? "–" : formats.latency(stats.latency),
    latencyRange: latencyRange(samples, context),
    pings: formats.number(stats.pings),
    pongs: formats.number(stats.pongs),
    misses: formats.number(stats.misses),
    attempts: attempts(stats, context),
    lastError: lastError(stats, context),
    can: abilities(stats),
    autoReconnect: stats.autoReconnect,
  };
}

/**
 * What a screen reader is told of a look.
 * @param {Look} look
 * @param {Words} words
 */
export function spoken(look, words) {
  return look === "degraded" ? `${words.connected} ${words.degraded}` : words[look];
}

/**
 * @param {Stats} stats
 * @returns {Look}
 */
function lookOf({ state, degraded }) {
  return state === "connected" && degraded ? "degraded" : state;
}

/**
 * Seconds to the next attempt, in words; "" if none is waited for.
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
  return time && fill(context.words.countdown, { time });
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function explanation(stats, context) {
  const { words } = context;
  if (stats.state === "connecting") return calling(stats, context);
  if (stats.state === "error") return `${failure(stats, context)} ${advice(stats, context)}`;
  if (stats.state !== "disconnected") return words[`${lookOf(stats)}Text`];
  if (!stats.reason) return words.disconnectedText;
  const ended = fill(words.endedText, { error: reasonInWords(stats, words) });
  return `${ended} ${advice(stats, context)}`.trim();
}

/**
 * What the reader can do about it; "" where nothing would be right to say.
 * @param {Stats} stats
 * @param {Context} context
 */
function advice(stats, { words }) {
  const { state, autoReconnect } = stats;
  if (isAboutLogin(causeOf(stats)?.code))
    return autoReconnect ? words.logInText : words.logInAndText;
  if (state === "error") return words.stayingText;
  return autoReconnect ? "" : words.switchedOffText;
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function calling(stats, context) {
  const { words, formats } = context;
  const time = untilNext(stats, context);
  if (stats.reason === reasonFor(RESTARTING))
    return time ? fill(words.restartingWaitingText, { time }) : words.restartingText;
  if (time) return fill(words.waitingText, { time });
  if (stats.attempts < 2) return words.connectingText;
  return fill(words.retryingText, { n: formats.number(stats.attempts) });
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function failure(stats, { words, formats }) {
  const error = reasonInWords(stats, words);
  const gaveUp = stats.reason !== stats.lastError?.reason && !isFinal(stats.lastError?.code ?? 0);
  const text = gaveUp ? words.gaveUpText : words.endedText;
  return fill(text, { error, n: formats.number(stats.attempts) });
}

/**
 * The last error, if it is why the state is what it is.
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
 * What an administrator or the application has written is shown as it is, in any language.
 * @param {import("../events.js").LastError} error
 * @param {Words} words
 */
function errorInWords({ code, reason }, words) {
  if (reason === POLICY_REASON) return words.policy;
  const isOurs = code < 4000 || reason === STANDARD[code] || reason === reasonFor(code);
  if (!isOurs || reason.startsWith(UNMADE)) return reason;
  return words[`code${code}`] ?? reason;
}

/**
 * @param {number} at
 * @param {Context} context
 */
function since(at, { now, formats }) {
  return `${formats.moment(at, now)} · ${formats.duration(now - at)}`;
}

/**
 * @param {Samples} samples
 * @param {Context} context
 */
function latencyRange(samples, { words, formats }) {
  const found = range(samples);
  if (!found) return "";
  const { count, fastest, slowest } = found;
  const [min, max] = [formats.latency(fastest), formats.latency(slowest)];
  return fill(words.latencyRange, { n: formats.number(count), min, max });
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function attempts(stats, context) {
  const { words, formats } = context;
  if (stats.attempts === 0) return words.none;
  const n = formats.number(stats.attempts);
  const time = untilNext(stats, context);
  return time ? fill(words.attemptsNext, { n, time }) : n;
}

/**
 * @param {Stats} stats
 * @param {Context} context
 */
function lastError({ lastError: error }, { now, words, formats }) {
  if (!error) return words.none;
  return `${errorInWords(error, words)} (${error.code}), ${formats.moment(error.at, now)}`;
}

/**
 * Which controls would do something now.
 * @param {Stats} stats
 */
function abilities({ state, nextAttemptAt }) {
  const isUp = state === "connected" || state === "unstable";
  const isOut = state === "disconnected" || state === "error";
  return {
    reconnect: isOut || nextAttemptAt !== null,
    disconnect: state !== "disconnected",
    ping: isUp,
  };
}

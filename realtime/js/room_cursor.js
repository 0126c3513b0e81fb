/** How far one reader of a room has got: a handle, or the page with its `join`. */

import { toPosition } from "./position.js";

/** @typedef {import("./position.js").Position} Position */
/** @typedef {Record<string, any>} Frame */
/** @typedef {{epoch?: string, offset?: number, rewind?: number} | null} Question where the server shall begin: after a position, or with a rewind; null: from now on */

/**
 * Where a reader begins: with what is published from now on, unless an option says otherwise.
 * @typedef {object} RoomOptions
 * @property {"now" | "last" | (string & {}) | Position | null} [since] after this position: "epoch:offset", or an
 *   object; "last": after the newest that the page before in this tab has received; "": unknown
 * @property {number} [rewind] with so many of the newest publications, 1 to 1,000
 */

const MAX_REWIND = 1000;

export class RoomCursor {
  /** @type {Position | null} of the newest publication taken; null: not begun yet */
  position = null;
  /** So many of the newest publications shall come first; 0 once the server has answered. */
  rewind;
  /** The `reason` of a resync at the beginning; "": nothing is lost. */
  lost = "";
  /** Confirmed on this connection. */
  isJoined = false;
  /** The reader wants to know the users in the room. */
  isWatching = false;
  emit;
  #since;
  /** @type {Position | null} where the reader began */
  #start = null;
  /** The newest publication of the rewind. */
  #rewindEnd = 0;

  /**
   * Throws TypeError for wrong options.
   * @param {RoomOptions} options
   * @param {import("./room_handle.js").RoomEmit} emit
   */
  constructor({ since, rewind = 0 }, emit) {
    this.#since = since ?? "now";
    this.rewind = rewind;
    this.emit = emit;
    const isCount = Number.isInteger(rewind) && rewind >= 0 && rewind <= MAX_REWIND;
    if (!isCount || (rewind && this.#since !== "now") || !this.#begin(this.#since))
      throw new TypeError(`expected since, or a rewind of 1 to ${MAX_REWIND}`);
  }

  /** @param {any} since @returns {boolean} whether it is valid */
  #begin(since) {
    this.#start = this.position = toPosition(since);
    this.lost = since === "" ? "unknown" : "";
    return this.position !== null || ["", "now", "last"].includes(since);
  }

  /**
   * Begin where the page before has ended, if the options say so.
   * @param {unknown} saved its position; "": that counts no more
   */
  beginAtLast(saved) {
    if (this.#since === "last") this.#begin(saved);
  }

  /**
   * Begin, go on or learn of a loss, as the server says; do nothing if it has to be asked again.
   * @param {Question | undefined} question that was answered
   * @param {Frame} answer a `joined` frame, or a room of the welcome
   * @param {number} stream the server sends next what follows this offset
   */
  onAnswer(question, answer, stream) {
    const { epoch, offset } = answer;
    const { position, rewind } = this;
    if (rewind > (question?.rewind ?? 0)) return;
    const reason = position ? lossOf(position, question, answer) : this.lost;
    if (!reason && position && position.offset < stream) return;
    const initial = position === this.#start;
    if (rewind) this.position = { epoch, offset: Math.max(stream, offset - rewind) };
    else if (reason || !position) this.position = { epoch, offset };
    if (rewind || reason) this.#rewindEnd = rewind && offset;
    this.rewind = 0;
    this.#since = this.lost = "";
    if (reason || !this.isJoined) {
      this.isJoined = true;
      this.emit("joined", { offset, recovered: reason ? false : position && true });
    }
    if (reason) this.emit("resync", { reason, initial });
  }

  /**
   * Take a publication if it is the next one.
   * @param {Frame} publication
   * @param {string} epoch of its log
   */
  take({ offset, time, data }, epoch) {
    if (this.position?.epoch !== epoch || this.position.offset !== offset - 1) return;
    this.position = { epoch, offset };
    this.emit("message", { data, offset, time, replayed: offset <= this.#rewindEnd });
  }
}

/**
 * Why publications after the position will not come; none if they may.
 * @param {Position} position
 * @param {Question | undefined} question
 * @param {Frame} answer
 * @returns {string | undefined}
 */
function lossOf({ epoch, offset }, question, answer) {
  if (epoch !== answer.epoch) return "epoch_changed";
  if (offset > answer.offset) return "ahead";
  const isAsked = question?.epoch === epoch && offset <= Number(question.offset);
  if (isAsked && answer.reason !== "ahead") return answer.reason;
}

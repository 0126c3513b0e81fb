/**
 * The requests to the server: joins, leaves and messages, until they are answered. Those about a
 * room go in the order of the calls, see `RoomQueue`; rooms do not wait for each other.
 */

import { isMessage, isTemporary, RoomQueue } from "./room_queue.js";
import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {import("./room_queue.js").Request} Request */
/** @typedef {import("./room_queue.js").SentAt} SentAt */
/** @typedef {Record<string, any>} Frame */

/**
 * @typedef {object} Connected
 * @property {() => boolean} isUp welcomed, and not ended
 * @property {(frame: Frame) => boolean} send returns whether the frame was sent
 */

/** @typedef {Connected & {rate: import("./send_rate.js").SendRate, gate: import("./send_gate.js").SendGate}} FrameSender */

const MAX_FRAMES = 16; // on their way: the server queues 32 of a connection

// The server remembers a message's key for five minutes; the message may take some of them.
const MAX_AGE_MS = 240_000;
const CHECK_MS = 5000; // after a sleep of the device the ages are checked within this time

export class RequestQueue {
  #environment;
  #clock;
  #sender;
  #ageTimer;
  /** @type {Map<string, RoomQueue>} those with requests; the one that sent last is the last */
  #rooms = new Map();
  /** The id of the newest frame. */
  #id = 0;
  #maxFrames = MAX_FRAMES;
  /** A welcome has settled the rooms. */
  #isOpen = false;
  #isScheduled = false;

  /**
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
   * @param {FrameSender} sender
   */
  constructor(environment, clock, sender) {
    this.#environment = environment;
    this.#clock = clock;
    this.#sender = sender;
    this.#ageTimer = new Timer(environment);
  }

  /** Add a message, which is sent with the others of this tick. @param {Request} message */
  addMessage(message) {
    this.#put(message);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  /**
   * Add a join or a leave while connected. Otherwise drop it: the next hello names all rooms.
   * @param {Request} request
   */
  addIfUp(request) {
    const { frame } = request;
    if (!this.#sender.isUp() || this.#rooms.get(frame.room)?.cancelsOut(frame)) return;
    this.#put(request);
    this.#send();
  }

  /** Send nothing until `restart`; requests of listeners to the welcome are queued. */
  pause() {
    this.#isOpen = false;
  }

  /**
   * Begin on a new connection, whose hello and welcome replace the queued joins and leaves.
   * @param {Request[]} before sent before the queued messages to the same rooms
   * @param {Request[]} after sent after them
   */
  restart(before, after) {
    this.#maxFrames = MAX_FRAMES;
    this.#replace([...before, ...this.messages, ...after]);
    this.#isOpen = true;
    this.#send();
  }

  /** The messages that are not answered, those to a room in their order. */
  get messages() {
    return this.#queues.flatMap(({ requests }) => requests.filter(isMessage));
  }

  /** Replace all requests before a connection. @param {Request[]} messages */
  set messages(messages) {
    this.#replace(messages);
  }

  /**
   * Reject messages.
   * @param {Request[]} messages
   * @param {Frame} error
   */
  reject(messages, error) {
    for (const room of this.#queues) {
      room.remove((request) => messages.includes(request));
      this.#tidy(room);
    }
    for (const { settle } of messages) settle?.(error);
  }

  /** Drop all requests. @param {Frame} error the answer to the messages among them */
  abandon(error) {
    const { messages } = this;
    this.#replace([]);
    for (const { settle } of messages) settle?.(error);
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} whether it answers a request on its way
   */
  onFrame(frame) {
    const room = this.#roomOf(frame);
    if (!room) return false;
    const answers = room.onAnswer(frame);
    this.#tidy(room);
    for (const [{ settle }, answer] of answers) settle?.(answer);
    this.#send();
    return true;
  }

  /**
   * The queue whose frame this answers.
   * @param {Frame} frame
   * @returns {RoomQueue | undefined}
   */
  #roomOf({ id, code, room }) {
    // Without an id: the server could not even read that.
    const isUnread = id === undefined && code && !room && !isTemporary(code);
    if (id === undefined && !isUnread) return undefined;
    const waiting = this.#waiting;
    if (!isUnread) return waiting.find(({ frameId }) => frameId === id);
    if (waiting.length > 1) this.#repeatOneByOne(waiting);
    else return waiting[0];
  }

  /** The server could not read one of these frames: the next such error shows which. @param {RoomQueue[]} rooms */
  #repeatOneByOne(rooms) {
    this.#maxFrames = 1;
    for (const room of rooms) room.undo();
    this.#send();
  }

  /** @param {Request} request */
  #put(request) {
    const { room } = request.frame;
    const queue = this.#rooms.get(room) ?? new RoomQueue(room, this.#environment, this.#send);
    this.#rooms.set(room, queue);
    queue.requests.push(request);
  }

  /** @param {Request[]} requests */
  #replace(requests) {
    for (const room of this.#queues) room.stop();
    this.#rooms.clear();
    for (const request of requests) this.#put(request);
    this.#watchAges();
  }

  /** Send what can be sent: of each room one frame, if it has none on its way. */
  #send = () => {
    const age = (/** @type {SentAt} */ { ms }) => this.#clock.ms - ms;
    for (const room of this.#queues) {
      if (!this.#isOpen || !this.#sender.isUp()) return;
      if (room.isReady) this.#expire(room.requests, age); // one sent before would be sent again
      if (!room.isReady) continue;
      if (this.#waiting.length >= this.#maxFrames) return;
      if (!this.#sender.rate.take(this.#send)) return;
      this.#rooms.delete(room.room); // the others' turn comes first
      this.#rooms.set(room.room, room);
      this.#sendFrame(room);
    }
  };

  get #queues() {
    return [...this.#rooms.values()];
  }

  /** The queues with a frame on its way. */
  get #waiting() {
    return this.#queues.filter(({ frameId }) => frameId);
  }

  /** @param {RoomQueue} room */
  #sendFrame(room) {
    this.#id += 1;
    const id = this.#id;
    const now = { now: this.#environment.now(), ms: this.#clock.ms };
    room.sendNext(id, now, this.#sender.send);
    this.#watchAges();
  }

  /** Run the age timer while the server may have a message that it has not answered. */
  #watchAges() {
    if (!this.messages.some(({ sentAt }) => sentAt)) this.#ageTimer.clear();
    else if (!this.#ageTimer.pending) this.#ageTimer.set(CHECK_MS, () => this.#checkAges());
  }

  #checkAges() {
    const isUp = this.#sender.isUp();
    // While connected by the monotonic clock, so that setting the wall clock expires nothing:
    // this check does not send a message again.
    const age = (/** @type {SentAt} */ { now, ms }) =>
      isUp ? this.#environment.now() - now : this.#clock.ms - ms;
    this.#expire(this.messages, age);
    this.#watchAges();
    this.#send();
  }

  /**
   * Reject old messages: the server may have forgotten their keys, and would publish them twice.
   * @param {Request[]} requests
   * @param {(sentAt: SentAt) => number} age ms
   */
  #expire(requests, age) {
    const old = requests.filter(({ sentAt }) => sentAt && age(sentAt) >= MAX_AGE_MS);
    const detail = "no answer within 4 minutes: the server may have it or not";
    if (old.length > 0) this.reject(old, { code: "unknown", detail });
  }

  /** Forget a queue without requests. @param {RoomQueue} room */
  #tidy(room) {
    this.#watchAges();
    if (room.requests.length > 0) return;
    room.stop();
    this.#rooms.delete(room.room);
  }
}

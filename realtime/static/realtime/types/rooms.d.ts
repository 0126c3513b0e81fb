/** The rooms that the application wants to be in, and how far it has got in each. */
/** @typedef {import("./events.js").Emit} Emit */
/** @typedef {import("./requests.js").Requests} Requests */
/** @typedef {import("./requests.js").Request} Request */
/** @typedef {Record<string, any>} Frame */
/** @typedef {{epoch: string, offset: number}} Position */
/**
 * @typedef {object} Place
 * @property {string} room
 * @property {boolean} joined as the server of this connection has said
 * @property {Position | null} position null: from now on
 */
export class Rooms {
    /**
     * @param {Requests} requests
     * @param {Emit} emit
     */
    constructor(requests: Requests, emit: Emit);
    /** @param {string} room */
    join(room: string): void;
    /** @param {string} room */
    leave(room: string): void;
    /** The whole truth for a new connection: how far the client has got in each of its rooms. */
    hello(): {
        [k: string]: Position | null;
    };
    /**
     * @param {Frame} welcome
     * @returns {Request[]} what it leaves to be asked for
     */
    welcomed({ user, rooms }: Frame): Request[];
    /** @param {Frame} frame what nobody has asked for */
    told(frame: Frame): void;
    #private;
}
export type Emit = import("./events.js").Emit;
export type Requests = import("./requests.js").Requests;
export type Request = import("./requests.js").Request;
export type Frame = Record<string, any>;
export type Position = {
    epoch: string;
    offset: number;
};
export type Place = {
    room: string;
    /**
     * as the server of this connection has said
     */
    joined: boolean;
    /**
     * null: from now on
     */
    position: Position | null;
};

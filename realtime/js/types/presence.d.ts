/** The users in a room: a whole picture first, then the changes of it. */
/**
 * @template [Person=any]
 * @typedef {{user: string, data: Person}} PresentUser `data`: the application's description of the user
 */
/**
 * @template [Person=any]
 * @typedef {object} Presence
 * @property {number} sessions in the room, also of anonymous clients
 * @property {number} users
 * @property {PresentUser<Person>[] | null} list null: more than the server lists
 * @property {PresentUser<Person>[]} joined since the event before, or described anew
 * @property {string[]} left since the event before
 */
/**
 * @param {Presence | null} before
 * @param {Record<string, any>} frame an answer has the whole; a change has it where the room begins or ends to be listed
 * @returns {Presence}
 */
export function presenceAfter(before: Presence | null, { sessions, users, list, joined, left }: Record<string, any>): Presence;
/**
 * `data`: the application's description of the user
 */
export type PresentUser<Person = any> = {
    user: string;
    data: Person;
};
export type Presence<Person = any> = {
    /**
     * in the room, also of anonymous clients
     */
    sessions: number;
    users: number;
    /**
     * null: more than the server lists
     */
    list: PresentUser<Person>[] | null;
    /**
     * since the event before, or described anew
     */
    joined: PresentUser<Person>[];
    /**
     * since the event before
     */
    left: string[];
};

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
export function presenceAfter(before, { sessions, users, list, joined, left }) {
  const old = before?.list;
  if (!joined) {
    joined = missing(list, old, JSON.stringify);
    left = missing(old, list, keyOf).map(keyOf);
  } else if (old && list === undefined) {
    const others = missing(old, joined, keyOf).filter(({ user }) => !left.includes(user));
    list = [...others, ...joined];
  }
  return { sessions, users, list: list ?? null, joined, left };
}

/** @param {PresentUser} one */
function keyOf({ user }) {
  return user;
}

/**
 * The users of one list that the other has not.
 * @param {PresentUser[] | null | undefined} list
 * @param {PresentUser[] | null | undefined} other
 * @param {(one: PresentUser) => string} identity what two have in common that are the same
 */
function missing(list, other, identity) {
  if (!list || !other) return [];
  const known = new Set(other.map((each) => identity(each)));
  return list.filter((one) => !known.has(identity(one)));
}

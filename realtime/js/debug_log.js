/** Writes the events of a client to the console, without secrets. */

const SECRET = /token|jwt|^auth$|authori|cookie|passw|secret|key$|session(?!s)/i;

/**
 * @param {string} type
 * @param {object} detail whose texts hold no secret of the client
 */
export function logEvent(type, detail) {
  const json = JSON.stringify(detail, (name, value) => (SECRET.test(name) ? "…" : value));
  console.debug(`realtime: ${type} ${json}`);
}

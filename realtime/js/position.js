/** Positions in the logs of rooms. */

/** @typedef {{readonly epoch: string, readonly offset: number}} Position `offset`: of the newest publication that a reader has, 0 for none */

/**
 * A position in either form; null for anything else.
 * @param {unknown} value "epoch:offset", or an object with both
 * @returns {Position | null}
 */
export function toPosition(value) {
  const object = Object(value);
  const text = object.epoch ? `${object.epoch}:${object.offset}` : String(value);
  // The server's limits: it does not take a hello beyond them.
  const [, epoch, digits = ""] = /^(.{1,100}):(\d{1,16})$/.exec(text) ?? [];
  return epoch && BigInt(digits) <= 2 ** 53 ? { epoch, offset: Number(digits) } : null;
}

/** Listeners that get the detail of an event, beside those of `addEventListener`. */

/** @template {object} Details the details of the events by their types */
export class Emitter extends /** @type {new () => Pick<EventTarget, "dispatchEvent">} */ (
  EventTarget // without its untyped methods
) {
  /** @type {Set<{type: unknown, listener: unknown, remove: () => void}>} */
  #entries = new Set();
  #onListener;

  /** @param {(type: unknown) => void} [onListener] called after a listener was added */
  constructor(onListener) {
    super();
    this.#onListener = onListener;
  }

  /**
   * Call the listener with the detail of each event of this type.
   * @template {keyof Details} Type
   * @param {Type} type
   * @param {(detail: Details[Type]) => void} listener
   * @returns {() => void} ends that
   */
  on(type, listener) {
    return this.#add(type, listener, false);
  }

  /**
   * Call the listener with the detail of the next event of this type only.
   * @template {keyof Details} Type
   * @param {Type} type
   * @param {(detail: Details[Type]) => void} listener
   * @returns {() => void} ends that
   */
  once(type, listener) {
    return this.#add(type, listener, true);
  }

  /**
   * Undo every `on` and `once` with these arguments.
   * @template {keyof Details} Type
   * @param {Type} type
   * @param {(detail: Details[Type]) => void} listener
   */
  off(type, listener) {
    for (const entry of this.#entries)
      if (entry.type === type && entry.listener === listener) entry.remove();
  }

  /**
   * @param {unknown} type
   * @param {(detail: any) => void} listener
   * @param {boolean} once
   */
  #add(type, listener, once) {
    const call = (/** @type {CustomEvent} */ { detail }) => {
      if (once) entry.remove();
      listener(detail);
    };
    const remove = () => {
      /** @type {any} */ (this).removeEventListener(type, call);
      this.#entries.delete(entry);
    };
    const entry = { type, listener, remove };
    this.#entries.add(entry);
    /** @type {any} */ (this).addEventListener(type, call);
    this.#onListener?.(type);
    return remove;
  }
}

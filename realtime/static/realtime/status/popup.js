/** Opens and closes the panel as people expect, and keeps it beside its button. */

import { place } from "./placement.js";

/**
 * @typedef {object} PopupParts
 * @property {HTMLElement} host the element that button and panel are in
 * @property {HTMLButtonElement} button
 * @property {HTMLElement} panel
 * @property {() => void} toggled after it was opened or closed; calls `settle` once it is filled
 */

export class Popup {
  #owner;
  /** @type {AbortController | null} */
  #listening = null;

  /** @param {PopupParts} owner */
  constructor(owner) {
    this.#owner = owner;
    owner.button.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
  }

  get isOpen() {
    return this.#listening !== null;
  }

  open() {
    if (this.isOpen) return;
    this.#listening = new AbortController();
    this.#show(true);
    this.#listen(document, "keydown", (event) => this.#key(/** @type {KeyboardEvent} */ (event)));
    this.#listen(document, "pointerdown", (event) => {
      if (!event.composedPath().includes(this.#owner.host)) this.close();
    });
    // Within the shadow tree it does not bubble as far as the host: the focus has left it.
    this.#listen(this.#owner.host, "focusout", (event) => {
      if (/** @type {FocusEvent} */ (event).relatedTarget) this.close();
    });
    this.#listen(window, "resize", () => this.settle());
    this.#listen(window, "scroll", () => this.settle(), true);
  }

  close() {
    if (!this.isOpen) return;
    this.#listening?.abort();
    this.#listening = null;
    this.#show(false);
  }

  /** Put the panel where it belongs: the button may have moved, the panel may have grown. */
  settle() {
    const { host, button, panel } = this.#owner;
    const view = { width: document.documentElement.clientWidth, height: window.innerHeight };
    const { left, top } = place(
      button.getBoundingClientRect(),
      panel.getBoundingClientRect(),
      view,
      {
        placement: host.getAttribute("placement"),
        rightToLeft: getComputedStyle(host).direction === "rtl",
      },
    );
    panel.style.left = `${left}px`;
    panel.style.top = `${top}px`;
  }

  /** @param {boolean} open */
  #show(open) {
    const { button, panel, toggled } = this.#owner;
    button.setAttribute("aria-expanded", String(open));
    panel.hidden = !open;
    // The top layer, where no ancestor's overflow or z-index reaches; older browsers do without.
    if (open) panel.showPopover?.();
    else panel.hidePopover?.();
    toggled();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault(); // a dialog around it stays open
    const { host, button } = this.#owner;
    const nowhere = document.activeElement === document.body; // Safari: a click gives no focus
    if (nowhere || host.shadowRoot?.activeElement) button.focus();
    this.close();
  }

  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {(event: Event) => void} listener
   */
  #listen(target, type, listener, capture = false) {
    target.addEventListener(type, listener, { signal: this.#listening?.signal, capture });
  }
}

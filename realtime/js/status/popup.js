/** Opens and closes the panel by mouse and keyboard: beside its button, or in the page's flow. */

import { panelPosition } from "./placement.js";

/**
 * @typedef {object} PopupParts
 * @property {HTMLElement} host contains button and panel; with `details` the panel is in the flow
 * @property {HTMLButtonElement} button
 * @property {HTMLButtonElement} closeButton
 * @property {HTMLElement} panel
 * @property {() => void} onToggle after it opened or closed; calls `reposition` once it is filled
 */

export class Popup {
  #host;
  #button;
  #panel;
  #onToggle;
  #listening = new AbortController();

  /** @param {PopupParts} parts */
  constructor({ host, button, closeButton, panel, onToggle }) {
    this.#host = host;
    this.#button = button;
    this.#panel = panel;
    this.#onToggle = onToggle;
    button.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    closeButton.addEventListener("click", () => {
      button.focus();
      this.close();
    });
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  open() {
    if (this.isOpen) return;
    this.#listening = new AbortController();
    // `auto` would close it on a click on its button, which reopens it.
    // An element that is not in the page yet has no top layer; it opens the panel again when it is.
    const isInFlow = this.#host.hasAttribute("details") || !this.#host.isConnected;
    this.#panel.popover = isInFlow ? null : "manual";
    this.#toggle(true);
    if (!this.#panel.popover) return;
    this.#listen(document, "keydown", (event) => this.#onKey(event));
    this.#listen(document, "pointerdown", (event) => {
      if (!event.composedPath().includes(this.#host)) this.close();
    });
    // Moves of the focus within the shadow tree do not reach the host: this one left the element.
    this.#listen(this.#host, "focusout", (event) => {
      if (/** @type {FocusEvent} */ (event).relatedTarget) this.close();
    });
    for (const type of ["resize", "scroll"])
      this.#listen(window, type, () => this.reposition(), true);
  }

  close() {
    if (!this.isOpen) return;
    this.#listening.abort();
    this.#toggle(false);
  }

  /** Place the panel again, after the button moved or the panel grew. */
  reposition() {
    const [panel, page] = [this.#panel, document.documentElement];
    if (!panel.popover) return panel.removeAttribute("style");
    const height = panel.scrollHeight + panel.offsetHeight - panel.clientHeight; // with all its content
    const position = panelPosition(
      this.#button.getBoundingClientRect(),
      { width: panel.offsetWidth, height },
      { width: page.clientWidth, height: innerHeight },
      {
        placement: this.#host.getAttribute("placement"),
        rightToLeft: getComputedStyle(this.#host).direction === "rtl",
      },
    );
    for (const [name, px] of Object.entries(position))
      panel.style[/** @type {keyof typeof position} */ (name)] = `${px}px`;
  }

  /** @param {boolean} open */
  #toggle(open) {
    this.#button.setAttribute("aria-expanded", String(open));
    this.#panel.hidden = !open;
    // In the top layer, above any overflow or z-index; older browsers have none.
    if (this.#panel.popover) this.#panel[open ? "showPopover" : "hidePopover"]?.();
    this.#onToggle();
  }

  /** @param {Event} event */
  #onKey(event) {
    if (/** @type {KeyboardEvent} */ (event).key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault(); // a dialog around the element stays open
    const noFocus = document.activeElement === document.body; // Safari: a click gives no focus
    if (noFocus || this.#host.shadowRoot?.activeElement) this.#button.focus();
    this.close();
  }

  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {(event: Event) => void} listener
   */
  #listen(target, type, listener, capture = false) {
    target.addEventListener(type, listener, { signal: this.#listening.signal, capture });
  }
}

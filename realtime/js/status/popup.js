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
  #parts;
  /** @type {AbortController | null} */
  #listening = null;

  /** @param {PopupParts} parts */
  constructor(parts) {
    this.#parts = parts;
    parts.button.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    parts.closeButton.addEventListener("click", () => {
      parts.button.focus();
      this.close();
    });
  }

  get isOpen() {
    return this.#listening !== null;
  }

  open() {
    if (this.isOpen) return;
    const { host, panel } = this.#parts;
    this.#listening = new AbortController();
    // `auto` would close it on a click on its button, which reopens it.
    panel.popover = host.hasAttribute("details") ? null : "manual";
    this.#toggle(true);
    if (!panel.popover) return;
    this.#listen(document, "keydown", (event) => this.#onKey(/** @type {KeyboardEvent} */ (event)));
    this.#listen(document, "pointerdown", (event) => {
      if (!event.composedPath().includes(this.#parts.host)) this.close();
    });
    // Moves of the focus within the shadow tree do not reach the host: this one left the element.
    this.#listen(host, "focusout", (event) => {
      if (/** @type {FocusEvent} */ (event).relatedTarget) this.close();
    });
    this.#listen(window, "resize", () => this.reposition());
    this.#listen(window, "scroll", () => this.reposition(), true);
  }

  close() {
    if (!this.isOpen) return;
    this.#listening?.abort();
    this.#listening = null;
    this.#toggle(false);
  }

  /** Place the panel again, after the button moved or the panel grew. */
  reposition() {
    const { host, button, panel } = this.#parts;
    if (!panel.popover) return panel.removeAttribute("style");
    const height = panel.scrollHeight + panel.offsetHeight - panel.clientHeight; // with all its content
    const view = { width: document.documentElement.clientWidth, height: window.innerHeight };
    const { left, top, maxHeight } = panelPosition(
      button.getBoundingClientRect(),
      { width: panel.offsetWidth, height },
      view,
      {
        placement: host.getAttribute("placement"),
        rightToLeft: getComputedStyle(host).direction === "rtl",
      },
    );
    panel.style.left = `${left}px`;
    panel.style.top = `${top}px`;
    panel.style.maxHeight = `${maxHeight}px`;
  }

  /** @param {boolean} open */
  #toggle(open) {
    const { button, panel, onToggle } = this.#parts;
    button.setAttribute("aria-expanded", String(open));
    panel.hidden = !open;
    // In the top layer, above any overflow or z-index; older browsers have none.
    if (panel.popover) panel[open ? "showPopover" : "hidePopover"]?.();
    onToggle();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault(); // a dialog around the element stays open
    const { host, button } = this.#parts;
    const noFocus = document.activeElement === document.body; // Safari: a click gives no focus
    if (noFocus || host.shadowRoot?.activeElement) button.focus();
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

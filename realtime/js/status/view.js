/** The element's shadow tree, built once and then updated from the view model. */

import { html, setAttributes, setText, svg } from "./dom.js";
import { dot } from "./dot.js";
import { sparkline } from "./sparkline.js";

/** @typedef {ReturnType<typeof import("./view_model.js").viewModel>} ViewModel */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {"reconnect" | "disconnect" | "ping" | "reset" | "autoReconnect"} Control */

const SPARKLINE = { width: 96, height: 20 };
/** @type {Control[]} */
const BUTTONS = ["reconnect", "disconnect", "ping", "reset"];

/** @typedef {(keyof ViewModel & keyof Words)[]} Names */

/** @type {Names} */
const ROWS_ABOVE = ["since", "session", "network", "latency"];
/** @type {Names} */
const COUNTS = ["pings", "pongs", "misses", "reconnects", "pending"];
/** @type {Names} */
const ROWS_BELOW = ["lastPing", "lastPong", "attempts", "lastError"];

export class View {
  /** @type {Map<string, {term: HTMLElement, value: HTMLElement, group: HTMLElement}>} */
  #rows = new Map();
  /** @type {Map<Control, HTMLButtonElement>} */
  #controls = new Map();
  #label = html("span", { class: "unseen" });
  #word = html("span", { class: "word", part: "word" });
  #note = html("span", { class: "note", part: "note" });
  #countdown = html("span", { class: "countdown", part: "countdown", "aria-hidden": "true" });
  #text = html("p", { class: "text", part: "text" });
  #curve = svg("path", { class: "line" });
  #sparkline;
  #autoReconnect = html("span");
  #liveRegion = html("span", { class: "unseen", role: "status" });
  #root;

  button;
  closeButton = html("button", { type: "button", class: "close", part: "close" }, "×");
  panel;

  /**
   * @param {ShadowRoot} root
   * @param {(control: Control) => void} onUse
   */
  constructor(root, onUse) {
    const { width, height } = SPARKLINE;
    const viewBox = `-2 -2 ${width + 4} ${height + 4}`;
    this.#sparkline = svg(
      "svg",
      { class: "sparkline", part: "sparkline", viewBox, role: "img" },
      svg("path", { class: "base", d: `M0 ${height}h${width}` }),
      this.#curve,
    );
    this.button = this.#button();
    this.panel = this.#panel(onUse);
    // The direction is that of the words: they may be in another language than the page.
    this.#root = html(
      "span",
      { class: "root", dir: "auto" },
      this.button,
      this.panel,
      this.#liveRegion,
    );
    root.append(this.#root);
  }

  /**
   * Write the texts that do not depend on the client.
   * @param {Words} words
   */
  translate(words) {
    setText(this.#label, `${words.label}: `);
    setAttributes(this.panel, { "aria-label": words.details });
    setAttributes(this.closeButton, { "aria-label": words.close });
    for (const [name, { term }] of this.#rows) setText(term, words[name]);
    for (const name of COUNTS.slice(0, 3))
      setAttributes(this.#row(name).group, { title: words[`${name}Hint`] });
    for (const name of BUTTONS) setText(this.#control(name), words[name]);
    this.#control("reset").title = words.resetHint;
    setText(this.#autoReconnect, words.autoReconnect);
  }

  /** @param {ViewModel} model */
  renderButton(model) {
    setAttributes(this.#root, { "data-state": model.displayState });
    setText(this.#word, model.word);
    setText(this.#note, model.note);
    setText(this.#countdown, model.countdown);
  }

  /**
   * @param {ViewModel} model
   * @param {import("./sparkline.js").Samples} samples
   */
  renderPanel(model, samples) {
    setText(this.#text, model.text);
    for (const [name, { value }] of this.#rows) {
      setText(value, String(model[/** @type {keyof ViewModel} */ (name)]));
    }
    setAttributes(this.#curve, { d: sparkline(samples, SPARKLINE) });
    setAttributes(this.#sparkline, { "aria-label": model.latencyRange });
    this.#sparkline.toggleAttribute("hidden", !model.latencyRange);
    for (const [name, enabled] of Object.entries(model.enabled)) {
      const control = this.#control(/** @type {Control} */ (name));
      setAttributes(control, { "aria-disabled": String(!enabled) });
    }
    setAttributes(this.#control("autoReconnect"), { "aria-checked": String(model.autoReconnect) });
  }

  /** @param {string} text for screen readers */
  announce(text) {
    this.#liveRegion.textContent = text;
  }

  #button() {
    return html(
      "button",
      {
        type: "button",
        class: "button",
        part: "button",
        "aria-expanded": "false",
        "aria-controls": "panel",
      },
      dot(),
      html(
        "span",
        { class: "words" },
        ...[this.#label, this.#word, " ", this.#note, " ", this.#countdown],
      ),
    );
  }

  /** @param {(control: Control) => void} onUse */
  #panel(onUse) {
    const list = html("dl", { class: "facts", part: "facts" });
    for (const name of ROWS_ABOVE) list.append(this.#addRow(name, "row"));
    for (const name of COUNTS) list.append(this.#addRow(name, "count"));
    for (const name of ROWS_BELOW) list.append(this.#addRow(name, "row"));
    this.#row("latency").value.after(this.#sparkline);
    const controls = html("div", { class: "controls", part: "controls" });
    controls.append(...BUTTONS.map((name) => this.#actionButton(name, onUse)), this.#switch(onUse));
    const attributes = { class: "panel", part: "panel", id: "panel", role: "group" };
    const panel = html("div", attributes, this.closeButton, this.#text, list, controls);
    panel.hidden = true;
    return panel;
  }

  /**
   * @param {string} name
   * @param {string} kind
   */
  #addRow(name, kind) {
    const [term, value] = [html("dt"), html("bdi")];
    const group = html("div", { class: `${kind} ${name}` }, term, html("dd", {}, value));
    this.#rows.set(name, { term, value, group });
    return group;
  }

  /**
   * A button that is never `disabled`, which would take the focus away; `aria-disabled` instead.
   * @param {Control} name
   * @param {(control: Control) => void} onUse
   */
  #actionButton(name, onUse) {
    const button = html("button", { type: "button", class: "control", part: `control ${name}` });
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") onUse(name);
    });
    this.#controls.set(name, button);
    return button;
  }

  /** @param {(control: Control) => void} onUse */
  #switch(onUse) {
    const button = this.#actionButton("autoReconnect", onUse);
    setAttributes(button, { class: "switch", part: "switch", role: "switch" });
    button.append(this.#autoReconnect, html("span", { class: "track", part: "track" }));
    return button;
  }

  /** @param {Control} name */
  #control(name) {
    return /** @type {HTMLButtonElement} */ (this.#controls.get(name));
  }

  /** @param {string} name */
  #row(name) {
    const found = this.#rows.get(name);
    if (!found) throw new Error(name);
    return found;
  }
}

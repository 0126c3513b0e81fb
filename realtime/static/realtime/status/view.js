/** The element's shadow tree: built once, then only written to. No decisions here. */

import { html, mark, svg, write } from "./dom.js";
import { dot } from "./dot.js";
import { sparkline } from "./sparkline.js";

/** @typedef {ReturnType<typeof import("./view_model.js").facts>} Facts */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {"reconnect" | "disconnect" | "ping" | "reset" | "autoReconnect"} Control */

const SPARKLINE = { width: 96, height: 20 };
/** @type {Control[]} */
const BUTTONS = ["reconnect", "disconnect", "ping", "reset"];

/** @type {(keyof Facts & keyof Words)[]} */
const ROWS = ["since", "session", "latency", "attempts", "lastError"];
/** @type {(keyof Facts & keyof Words)[]} */
const COUNTS = ["pings", "pongs", "misses"];

export class View {
  /** @type {Map<string, {term: HTMLElement, value: HTMLElement, group: HTMLElement}>} */
  #details = new Map();
  /** @type {Map<Control, HTMLButtonElement>} */
  #controls = new Map();
  #label = html("span", { class: "unseen" });
  #word = html("span", { class: "word", part: "word" });
  #note = html("span", { class: "note", part: "note" });
  #countdown = html("span", { class: "countdown", part: "countdown", "aria-hidden": "true" });
  #text = html("p", { class: "text", part: "text" });
  #line = svg("path", { class: "line" });
  #sparkline;
  #autoReconnect = html("span");
  #live = html("span", { class: "unseen", role: "status" });
  #root;

  button;
  panel;

  /**
   * @param {ShadowRoot} root
   * @param {(control: Control) => void} use
   */
  constructor(root, use) {
    const { width, height } = SPARKLINE;
    const viewBox = `-2 -2 ${width + 4} ${height + 4}`;
    this.#sparkline = svg(
      "svg",
      { class: "sparkline", part: "sparkline", viewBox, role: "img" },
      svg("path", { class: "base", d: `M0 ${height}h${width}` }),
      this.#line,
    );
    this.button = this.#button();
    this.panel = this.#panel(use);
    this.#root = html("span", { class: "root" }, this.button, this.panel, this.#live);
    root.append(this.#root);
  }

  /**
   * What does not depend on the client.
   * @param {Words} words
   */
  speak(words) {
    write(this.#label, `${words.label}: `);
    mark(this.panel, { "aria-label": words.details });
    for (const [name, { term }] of this.#details) write(term, words[name]);
    for (const name of COUNTS) mark(this.#detail(name).group, { title: words[`${name}Hint`] });
    for (const name of BUTTONS) write(this.#control(name), words[name]);
    this.#control("reset").title = words.resetHint;
    write(this.#autoReconnect, words.autoReconnect);
  }

  /** @param {Facts} facts */
  show(facts) {
    mark(this.#root, { "data-state": facts.look });
    write(this.#word, facts.word);
    write(this.#note, facts.note);
    write(this.#countdown, facts.countdown);
  }

  /**
   * The panel's contents.
   * @param {Facts} facts
   * @param {import("./sparkline.js").Samples} samples
   */
  detail(facts, samples) {
    write(this.#text, facts.text);
    for (const [name, { value }] of this.#details) {
      write(value, String(facts[/** @type {keyof Facts} */ (name)]));
    }
    mark(this.#line, { d: sparkline(samples, SPARKLINE) });
    mark(this.#sparkline, { "aria-label": facts.latencyRange });
    this.#sparkline.toggleAttribute("hidden", !facts.latencyRange);
    for (const [name, can] of Object.entries(facts.can)) {
      const control = this.#control(/** @type {Control} */ (name));
      mark(control, { "aria-disabled": String(!can) });
    }
    mark(this.#control("autoReconnect"), { "aria-checked": String(facts.autoReconnect) });
  }

  /** @param {string} text for those who do not see */
  say(text) {
    this.#live.textContent = text;
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

  /** @param {(control: Control) => void} use */
  #panel(use) {
    const facts = html("dl", { class: "facts", part: "facts" });
    for (const name of ROWS.slice(0, 3)) facts.append(this.#group(name, "row"));
    for (const name of COUNTS) facts.append(this.#group(name, "count"));
    for (const name of ROWS.slice(3)) facts.append(this.#group(name, "row"));
    this.#detail("latency").value.after(this.#sparkline);
    const controls = html("div", { class: "controls", part: "controls" });
    controls.append(...BUTTONS.map((name) => this.#plain(name, use)), this.#switch(use));
    const attributes = { class: "panel", part: "panel", id: "panel", role: "group" };
    const panel = html("div", attributes, this.#text, facts, controls);
    panel.popover = "manual"; // auto would close it before a click on its button opens it again
    panel.hidden = true;
    return panel;
  }

  /**
   * @param {string} name
   * @param {string} kind
   */
  #group(name, kind) {
    const [term, value] = [html("dt"), html("span")];
    const group = html("div", { class: `${kind} ${name}` }, term, html("dd", {}, value));
    this.#details.set(name, { term, value, group });
    return group;
  }

  /**
   * Never `disabled`: that would take the focus from whoever has just pressed it.
   * @param {Control} name
   * @param {(control: Control) => void} use
   */
  #plain(name, use) {
    const button = html("button", { type: "button", class: "control", part: `control ${name}` });
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") use(name);
    });
    this.#controls.set(name, button);
    return button;
  }

  /** @param {(control: Control) => void} use */
  #switch(use) {
    const button = this.#plain("autoReconnect", use);
    mark(button, { class: "switch", part: "switch", role: "switch" });
    button.append(this.#autoReconnect, html("span", { class: "track", part: "track" }));
    return button;
  }

  /** @param {Control} name */
  #control(name) {
    return /** @type {HTMLButtonElement} */ (this.#controls.get(name));
  }

  /** @param {string} name */
  #detail(name) {
    const found = this.#details.get(name);
    if (!found) throw new Error(name);
    return found;
  }
}

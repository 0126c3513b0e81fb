/** The element's shadow tree, built once and then updated from the view model. */

import { html, setAttributes, setText, svg } from "./dom.js";
import { dot, shape } from "./dot.js";
import { sparkline } from "./sparkline.js";

/** @typedef {ReturnType<typeof import("./view_model.js").viewModel>} ViewModel */
/** @typedef {import("./i18n.js").Words} Words */
/** @typedef {"reconnect" | "disconnect" | "ping" | "reset" | "autoReconnect"} Control */

// The size of the sparkline.
const WIDTH = 96;
const HEIGHT = 20;

/** @type {Control[]} */
const BUTTONS = ["reconnect", "disconnect", "ping", "reset"];

// The facts in their order: on rows of their own, as counts in boxes, and on rows again.
const FACTS = [
  ["since", "session", "network", "latency"],
  ["pings", "pongs", "misses", "reconnects", "pending"],
  ["lastPing", "lastPong", "attempts", "lastError"],
];

export class View {
  /** @type {Map<string, [place: Element, hinted: HTMLElement, value?: Element]>} where a word is, the fact or control of its hint, and where the fact's value is */
  #named = new Map();
  #dot = dot();
  #label = html("span", { class: "unseen" });
  #word = html("span", { part: "word" });
  #note = html("span", { part: "note" });
  #countdown = html("span", { part: "countdown", "aria-hidden": "true" });
  #text = html("p", { part: "text" });
  #curve = svg("path", { class: "line" });
  #sparkline;
  #liveRegion = html("span", { class: "unseen", role: "status" });
  #root;
  #onUse;

  button;
  closeButton = html("button", { part: "close" }, "×"); // no form is in this tree to submit: it needs no type
  panel;

  /**
   * @param {ShadowRoot} root
   * @param {(control: Control) => void} onUse
   */
  constructor(root, onUse) {
    this.#onUse = onUse;
    this.#sparkline = svg(
      "svg",
      { part: "sparkline", viewBox: `-2 -2 ${WIDTH + 4} ${HEIGHT + 4}`, role: "img" },
      svg("path", { class: "base", d: `M0 ${HEIGHT}h${WIDTH}` }),
      this.#curve,
    );
    this.button = this.#button();
    this.panel = this.#panel();
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
    for (const [name, [place, hinted]] of this.#named) {
      setText(place, words[name]);
      const title = words[`${name}Hint`];
      if (title) setAttributes(hinted, { title });
    }
  }

  /** @param {ViewModel} model */
  renderButton({ displayState, word, note, countdown }) {
    const style = `root ${displayState}`;
    // Its animation must not begin again.
    if (this.#root.className !== style) this.#dot.replaceChildren(shape(displayState));
    this.#root.className = style;
    setText(this.#word, word);
    setText(this.#note, note);
    setText(this.#countdown, countdown);
  }

  /**
   * @param {ViewModel} model
   * @param {import("./sparkline.js").Samples} samples
   */
  renderPanel(model, samples) {
    setText(this.#text, model.text);
    for (const [name, [, , value]] of this.#named)
      if (value) setText(value, String(model[/** @type {keyof ViewModel} */ (name)]));
    setAttributes(this.#curve, { d: sparkline(samples, { width: WIDTH, height: HEIGHT }) });
    setAttributes(this.#sparkline, { "aria-label": model.latencyRange });
    this.#sparkline.toggleAttribute("hidden", !model.latencyRange);
    for (const [name, enabled] of Object.entries(model.enabled))
      this.#setControl(name, "aria-disabled", !enabled);
    this.#setControl("autoReconnect", "aria-checked", model.autoReconnect);
  }

  /** @param {string} text for screen readers */
  announce(text) {
    this.#liveRegion.textContent = text;
  }

  #button() {
    const words = [this.#label, this.#word, " ", this.#note, " ", this.#countdown];
    return html(
      "button",
      { part: "button", "aria-expanded": "false", "aria-controls": "panel" },
      this.#dot,
      html("span", { class: "words" }, ...words),
    );
  }

  #panel() {
    const facts = FACTS.flatMap((names, i) =>
      names.map((name) => this.#fact(name, i === 1 ? "count" : "row")),
    );
    this.#named.get("latency")?.[2]?.after(this.#sparkline);
    return html(
      "div",
      { part: "panel", id: "panel", role: "group", hidden: "" },
      this.closeButton,
      this.#text,
      html("dl", { part: "facts" }, ...facts),
      html(
        "div",
        { part: "controls" },
        ...BUTTONS.map((name) => this.#control(name)),
        this.#switch(),
      ),
    );
  }

  /**
   * @param {string} name
   * @param {string} kind
   */
  #fact(name, kind) {
    const [term, value] = [html("dt"), html("bdi")];
    const whole = html("div", { class: `${kind} ${name}` }, term, html("dd", {}, value));
    this.#named.set(name, [term, whole, value]);
    return whole;
  }

  /**
   * A button that is never `disabled`, which would take the focus away; `aria-disabled` instead.
   * @param {Control} name
   */
  #control(name) {
    const button = html("button", { class: "control", part: `control ${name}` });
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") this.#onUse(name);
    });
    this.#named.set(name, [button, button]);
    return button;
  }

  #switch() {
    const button = this.#control("autoReconnect");
    const label = html("span");
    this.#named.set("autoReconnect", [label, button]);
    setAttributes(button, { class: "switch", part: "switch", role: "switch" });
    button.append(label, html("span", { part: "track" }));
    return button;
  }

  /**
   * @param {string} name of a control
   * @param {string} attribute
   * @param {boolean} value
   */
  #setControl(name, attribute, value) {
    const [, control] = this.#named.get(name) ?? [];
    if (control) setAttributes(control, { [attribute]: String(value) });
  }
}

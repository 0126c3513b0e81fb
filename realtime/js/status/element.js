/** `<realtime-status>`: shows the state of the page's connection, and its details in a panel. */

import { pageClient } from "../page_clients.js";
import { Announcer } from "./announcer.js";
import { groupOf } from "./element_group.js";
import { formats } from "./format.js";
import { addLanguage, interpolate, languages, translations } from "./i18n.js";
import { Popup } from "./popup.js";
import { applyStyles } from "./styles.js";
import { ticker } from "./ticker.js";
import { View } from "./view.js";
import { announcement, viewModel } from "./view_model.js";

/** @typedef {import("../client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("./view.js").Control} Control */

// Without a browser, on a server that renders pages, the module can be imported, but not used.
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

/** @type {Set<RealtimeStatus>} on the page now */
const elements = new Set();

export class RealtimeStatus extends Base {
  static observedAttributes = ["url", "lang", "placement", "details"];

  #view;
  #popup;
  #announcer;
  #words = translations("");
  #formats = formats("en");
  #lang = "";
  /** @type {RealtimeClient | null} */
  #client = null;
  /** @type {RealtimeClient | null} set by the page; takes precedence over `url` */
  #ownClient = null;
  /** @type {import("./element_group.js").ElementGroup | null} of the client */
  #group = null;
  /** @type {AbortController | null} */
  #listening = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    applyStyles(root);
    this.#view = new View(root, (control) => this.#onUse(control));
    const { button, closeButton, panel } = this.#view;
    const onToggle = () => {
      this.#render();
      this.dispatchEvent(new Event("toggle"));
    };
    this.#popup = new Popup({ host: this, button, closeButton, panel, onToggle });
    this.#announcer = new Announcer(
      ticker,
      () => performance.now(),
      (state) => this.#announce(announcement(state, this.#words)),
    );
    // The page may have set properties before this class was defined: they hide those of the class.
    for (const [name, value] of Object.entries(this)) {
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, value);
    }
  }

  /** The texts by language tag. */
  static get languages() {
    return languages;
  }

  /**
   * Add a language, or texts to one. Elements on the page change at once.
   * @param {string} tag as in `lang`
   * @param {Partial<import("./i18n.js").Words>} words
   */
  static addLanguage(tag, words) {
    addLanguage(tag, words);
    for (const element of elements) {
      element.#lang = ""; // its words are read again
      element.#render();
    }
  }

  /** The client that it shows: the page's client for its `url`, or the one that was set. */
  get client() {
    return this.#client;
  }

  set client(client) {
    this.#ownClient = client;
    if (this.isConnected) this.#attach();
  }

  /** Whether the panel is open. */
  get open() {
    return this.#popup.isOpen;
  }

  set open(open) {
    if (open) this.#popup.open();
    else this.#popup.close();
  }

  connectedCallback() {
    elements.add(this);
    this.#attach();
    this.#showDetails(this.open);
  }

  disconnectedCallback() {
    elements.delete(this);
    this.#popup.close();
    this.#detach();
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (!this.isConnected || !this.#client) return;
    if (name === "url") this.#attach();
    if (name === "details") this.#showDetails();
    this.#render();
  }

  /** Move the panel into the page's flow, open, or out of it. @param {boolean} [open] also out of it */
  #showDetails(open = false) {
    this.open = false;
    this.open = open || this.hasAttribute("details");
  }

  #attach() {
    this.#detach();
    this.#client = this.#ownClient ?? pageClient(clientOptions(this));
    this.#group = groupOf(this.#client); // before the listeners below: the group stores the sample first
    this.#group.add(this);
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    for (const type of /** @type {const} */ (["state", "notice", "latency"]))
      this.#client.addEventListener(type, this.#render, { signal });
    this.#render();
  }

  #detach() {
    this.#listening?.abort();
    this.#announcer.stop();
    ticker.delete(this.#render);
    this.#group?.delete(this);
  }

  #render = () => {
    const [client, group] = [this.#client, this.#group];
    if (!client || !group || !this.isConnected) return;
    this.#updateLanguage();
    if (this.open && !document.hidden) group.measureLatency(performance.now());
    const context = { now: Date.now(), words: this.#words, formats: this.#formats };
    const model = viewModel(client.stats(), group.samples, context);
    this.#view.renderButton(model);
    if (this.open) {
      this.#view.renderPanel(model, group.samples);
      this.#popup.reposition();
    }
    this.#announcer.update(model.displayState);
    if (this.open || model.countdown) ticker.add(this.#render);
    else ticker.delete(this.#render);
  };

  /** Read the language at each render: an ancestor's `lang` sends no event when it changes. */
  #updateLanguage() {
    const lang = languageOf(this);
    if (lang === this.#lang) return;
    this.#lang = lang;
    this.#words = translations(lang);
    this.#formats = formats(lang);
    this.#view.translate(this.#words);
  }

  /** @param {string} text */
  #announce(text) {
    if (this.#group?.isAnnouncer(this)) this.#view.announce(`${this.#words.label}: ${text}`);
  }

  /** @param {Control} control */
  #onUse(control) {
    const client = this.#client;
    if (!client) return;
    if (control === "reconnect") client.connect();
    if (control === "disconnect") client.disconnect();
    if (control === "ping") this.#ping(client);
    if (control === "reset") this.#reset(client);
    if (control === "autoReconnect") toggleAutoReconnect(client);
    this.#render();
  }

  /** @param {RealtimeClient} client */
  async #ping(client) {
    const { pinged, notPinged } = this.#words;
    const answer = await client.ping().then(
      (latency) => interpolate(pinged, { time: this.#formats.latency(latency) }),
      () => notPinged,
    );
    this.#view.announce(answer); // also if another element announces the states
  }

  /** @param {RealtimeClient} client */
  #reset(client) {
    client.resetReconnectState();
    this.#view.announce(this.#words.resetDone);
  }
}

/**
 * The client's options from the attributes. Throws SyntaxError if `options` is no JSON.
 * @param {Element} element
 * @returns {import("../client.js").Options}
 */
function clientOptions(element) {
  const url = element.getAttribute("url") ?? undefined;
  return { ...JSON.parse(element.getAttribute("options") ?? "{}"), url };
}

/** @param {RealtimeClient} client */
function toggleAutoReconnect(client) {
  client[client.stats().autoReconnect ? "disableAutoReconnect" : "enableAutoReconnect"]();
}

/**
 * The `lang` of the element or of its nearest ancestor, also across shadow roots.
 * @param {Element} element
 * @returns {string}
 */
function languageOf(element) {
  const withLang = element.closest("[lang]");
  if (withLang) return withLang.getAttribute("lang") || "en";
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? languageOf(root.host) : "en";
}

/** `<realtime-status>`: how the page's connection stands, at a glance and in detail. */

import { pageClient } from "../page_clients.js";
import { Announcer } from "./announcer.js";
import { ElementGroup } from "./element_group.js";
import { formats } from "./format.js";
import { addLanguage, fill, languages, wordsFor } from "./i18n.js";
import { Popup } from "./popup.js";
import { dress } from "./styles.js";
import { ticker } from "./ticker.js";
import { View } from "./view.js";
import { facts, spoken } from "./view_model.js";

/** @typedef {import("../client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("./view.js").Control} Control */

// Without a browser (a server that renders pages) the class is of no use, but may be imported.
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

/** @type {Set<RealtimeStatus>} on the page now */
const elements = new Set();

export class RealtimeStatus extends Base {
  static observedAttributes = ["url", "lang", "placement"];

  #view;
  #popup;
  #announcer;
  #words = wordsFor("");
  #formats = formats("en");
  #lang = "";
  /** @type {RealtimeClient | null} */
  #client = null;
  /** @type {RealtimeClient | null} one that was given, whatever the `url` */
  #given = null;
  /** @type {AbortController | null} */
  #listening = null;
  #tick = () => this.#render();

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    dress(root);
    this.#view = new View(root, (control) => this.#use(control));
    const { button, panel } = this.#view;
    this.#popup = new Popup({ host: this, button, panel, toggled: () => this.#toggled() });
    this.#announcer = new Announcer(
      ticker,
      () => performance.now(),
      (look) => this.#announce(spoken(look, this.#words)),
    );
  }

  /** The words by language tag. */
  static get languages() {
    return languages;
  }

  /**
   * Add a language, or words to one; the elements on the page speak it at once.
   * @param {string} tag as in `lang`
   * @param {Partial<import("./i18n.js").Words>} words
   */
  static addLanguage(tag, words) {
    addLanguage(tag, words);
    for (const element of elements) element.#translate();
  }

  /** The client it shows: the page's client for its `url`, or the one it was given. */
  get client() {
    return this.#client;
  }

  set client(client) {
    this.#given = client;
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
    if (name === "lang") this.#translate();
    if (name === "placement" && this.open) this.#popup.settle();
  }

  get #shared() {
    return this.#client && ElementGroup.of(this.#client);
  }

  #attach() {
    this.#detach();
    const url = this.getAttribute("url") ?? undefined;
    this.#client = this.#given ?? pageClient({ url });
    this.#shared?.add(this); // before our own listeners: it has a sample when they ask for it
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    this.#client.addEventListener("state", () => this.#render(), { signal });
    this.#client.addEventListener("notice", () => this.#render(), { signal });
    this.#client.addEventListener("latency", () => this.open && this.#render(), { signal });
    this.#render();
  }

  #detach() {
    this.#listening?.abort();
    this.#announcer.stop();
    ticker.delete(this.#tick);
    this.#shared?.delete(this);
  }

  #toggled() {
    this.#render();
    this.dispatchEvent(new Event("toggle"));
  }

  #render() {
    const client = this.#client;
    const shared = this.#shared;
    if (!client || !shared || !this.isConnected) return;
    this.#listenToLanguage();
    if (this.open && !document.hidden) shared.measure(performance.now());
    const stats = client.stats();
    const context = { now: Date.now(), words: this.#words, formats: this.#formats };
    const found = facts(stats, shared.samples, context);
    this.#view.show(found);
    if (this.open) {
      this.#view.detail(found, shared.samples);
      this.#popup.settle();
    }
    this.#announcer.hear(found.look);
    if (this.open || found.countdown) ticker.add(this.#tick);
    else ticker.delete(this.#tick);
  }

  #translate() {
    this.#lang = "";
    this.#render();
  }

  /** An ancestor's `lang` tells nobody when it changes: it is looked up again. */
  #listenToLanguage() {
    const lang = languageOf(this);
    if (lang === this.#lang) return;
    this.#lang = lang;
    this.#words = wordsFor(lang);
    this.#formats = formats(lang);
    this.#view.speak(this.#words);
  }

  /** @param {string} text */
  #announce(text) {
    if (this.#shared?.isSpeaker(this)) this.#view.say(`${this.#words.label}: ${text}`);
  }

  /** @param {Control} control */
  #use(control) {
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
      (latency) => fill(pinged, { time: this.#formats.latency(latency) }),
      () => notPinged,
    );
    this.#view.say(answer); // it was asked for here: also if another element speaks for the client
  }

  /** @param {RealtimeClient} client */
  #reset(client) {
    client.resetReconnectState();
    this.#view.say(this.#words.resetDone);
  }
}

/** @param {RealtimeClient} client */
function toggleAutoReconnect(client) {
  if (client.stats().autoReconnect) client.disableAutoReconnect();
  else client.enableAutoReconnect();
}

/**
 * The `lang` of the element or of its nearest ancestor, also across shadow roots.
 * @param {Element} element
 * @returns {string}
 */
function languageOf(element) {
  const named = element.closest("[lang]");
  if (named) return named.getAttribute("lang") || "en";
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? languageOf(root.host) : "en";
}

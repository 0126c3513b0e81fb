/**
 * @param {string} tag as in `lang`: "de", "pt-BR"
 * @param {Partial<Words>} words
 */
export function addLanguage(tag: string, words: Partial<Words>): void;
/**
 * The words for a language tag: its own, else those of the language it belongs to
 * ("zh-hans-CN" → "zh-hans" → "zh"), else English; word by word.
 * @param {string} lang
 * @returns {Words}
 */
export function wordsFor(lang: string): Words;
/**
 * @param {string} text
 * @param {Record<string, string>} values
 */
export function fill(text: string, values: Record<string, string>): string;
/** @type {Readonly<Record<number, string>>} What our server says of itself; anything else a person has written. */
export const STANDARD: Readonly<Record<number, string>>;
/** @type {Record<string, Partial<Words>>} by language tag, in lower case */
export const languages: Record<string, Partial<Words>>;
/**
 * Words in braces are filled in: `{time}`, `{n}`, `{error}`, `{min}`, `{max}`. `code4002` and
 * the like are optional: they say in words why a connection ended; without them, or where
 * a person has given a reason, that is shown. `degraded` follows `connected`.
 */
export type Words = Record<keyof typeof ENGLISH, string> & Record<string, string>;
declare namespace ENGLISH {
    let label: string;
    let connected: string;
    let connecting: string;
    let unstable: string;
    let error: string;
    let disconnected: string;
    let degraded: string;
    let connectedText: string;
    let degradedText: string;
    let connectingText: string;
    let retryingText: string;
    let waitingText: string;
    let restartingText: string;
    let restartingWaitingText: string;
    let unstableText: string;
    let endedText: string;
    let gaveUpText: string;
    let stayingText: string;
    let logInText: string;
    let logInAndText: string;
    let switchedOffText: string;
    let disconnectedText: string;
    let countdown: string;
    let details: string;
    let since: string;
    let session: string;
    let latency: string;
    let latencyRange: string;
    let pings: string;
    let pongs: string;
    let misses: string;
    let pingsHint: string;
    let pongsHint: string;
    let missesHint: string;
    let attempts: string;
    let attemptsNext: string;
    let lastError: string;
    let none: string;
    let reconnect: string;
    let disconnect: string;
    let ping: string;
    let reset: string;
    let resetHint: string;
    let autoReconnect: string;
    let pinged: string;
    let notPinged: string;
    let resetDone: string;
    let policy: string;
    let code1001: string;
    let code1012: string;
    let code4001: string;
}
export {};

/**
 * The reason that the server gives by itself; any other was written by a person.
 * @param {number} code
 * @returns {string | undefined}
 */
export function standardReason(code: number): string | undefined;
/**
 * @param {string} tag as in `lang`: "de", "pt-BR"
 * @param {Partial<Words>} words
 */
export function addLanguage(tag: string, words: Partial<Words>): void;
/**
 * The texts for a language tag: for each key the most specific of "zh-hans-CN", "zh-hans", "zh"
 * and English that has it.
 * @param {string} lang
 * @returns {Words}
 */
export function translations(lang: string): Words;
/**
 * Replace `{name}` by `values.name`; names without a value stay. Where a part is from right to left,
 * values are isolated: none changes the order of the text around it.
 * @param {string} text
 * @param {Record<string, string>} values
 */
export function interpolate(text: string, values: Record<string, string>): string;
/** @type {Record<string, Partial<Words>>} by language tag, in lower case */
export const languages: Record<string, Partial<Words>>;
/**
 * Texts of the element. It replaces `{time}`, `{n}`, `{error}`, `{min}` and `{max}`. `degraded`
 * follows `connected`. Optional `code…` keys (`code4002`) explain a close code; without one, or
 * if a person wrote a reason, the element shows the reason of the server.
 */
export type Words = Record<keyof typeof TEXTS, string> & Record<string, string>;
declare namespace TEXTS {
    let label: string;
    let connected: string;
    let connecting: string;
    let unstable: string;
    let error: string;
    let disconnected: string;
    let degraded: string;
    let online: string;
    let offline: string;
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
    let close: string;
    let since: string;
    let session: string;
    let network: string;
    let latency: string;
    let latencyRange: string;
    let pings: string;
    let pongs: string;
    let misses: string;
    let reconnects: string;
    let pending: string;
    let pingsHint: string;
    let pongsHint: string;
    let missesHint: string;
    let lastPing: string;
    let lastPong: string;
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

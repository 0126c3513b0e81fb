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
    let label: [string, string];
    let connected: [string, string];
    let connecting: [string, string];
    let unstable: [string, string];
    let error: [string, string];
    let disconnected: [string, string];
    let degraded: [string, string];
    let online: [string, string];
    let offline: [string, string];
    let connectedText: [string, string];
    let degradedText: [string, string];
    let connectingText: [string, string];
    let retryingText: [string, string];
    let waitingText: [string, string];
    let restartingText: [string, string];
    let restartingWaitingText: [string, string];
    let unstableText: [string, string];
    let endedText: [string, string];
    let gaveUpText: [string, string];
    let stayingText: [string, string];
    let logInText: [string, string];
    let logInAndText: [string, string];
    let switchedOffText: [string, string];
    let disconnectedText: [string, string];
    let countdown: [string, string];
    let details: [string, string];
    let close: [string, string];
    let since: [string, string];
    let session: [string, string];
    let network: [string, string];
    let latency: [string, string];
    let latencyRange: [string, string];
    let pings: [string, string];
    let pongs: [string, string];
    let misses: [string, string];
    let reconnects: [string, string];
    let pending: [string, string];
    let pingsHint: [string, string];
    let pongsHint: [string, string];
    let missesHint: [string, string];
    let lastPing: [string, string];
    let lastPong: [string, string];
    let attempts: [string, string];
    let attemptsNext: [string, string];
    let lastError: [string, string];
    let none: [string, string];
    let reconnect: [string, string];
    let disconnect: [string, string];
    let ping: [string, string];
    let reset: [string, string];
    let resetHint: [string, string];
    let autoReconnect: [string, string];
    let pinged: [string, string];
    let notPinged: [string, string];
    let resetDone: [string, string];
    let policy: [string, string];
    let code1001: [string, string];
    let code1012: [string, string];
    let code4001: [string, string];
}
export {};

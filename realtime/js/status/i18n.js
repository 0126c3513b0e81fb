/** The element's texts by language. `addLanguage` adds one; English fills the gaps. */

/**
 * Texts of the element. It replaces `{time}`, `{n}`, `{error}`, `{min}` and `{max}`. `degraded`
 * follows `connected`. Optional `code…` keys (`code4002`) explain a close code; without one, or
 * if a person wrote a reason, the element shows the reason of the server.
 * @typedef {Record<keyof typeof TEXTS, string> & Record<string, string>} Words
 */

/** In English and Chinese, on both sides of a bar. @satisfies {Record<string, string>} */
const TEXTS = {
  label: "Connection|连接",
  connected: "connected|已连接",
  connecting: "connecting|连接中",
  unstable: "unstable|不稳定",
  error: "error|错误",
  disconnected: "disconnected|已断开",
  degraded: "but limited|（功能受限）",
  online: "online|在线",
  offline: "offline|离线",

  connectedText: "All is well: the server answers.|一切正常：服务器有响应。",
  degradedText:
    "Connected, but the server cannot reach its data at the moment. It keeps trying; there is nothing to do here.|连接正常，但服务器暂时无法访问其数据。它会不断重试，无需任何操作。",
  connectingText: "Connecting to the server.|正在连接服务器。",
  retryingText: "Connecting to the server, attempt {n}.|正在连接服务器，第 {n} 次尝试。",
  waitingText: "No connection. Next attempt in {time}.|连接已中断，{time}后重试。",
  restartingText: "The server is restarting.|服务器正在重启。",
  restartingWaitingText:
    "The server is restarting. Next attempt in {time}.|服务器正在重启，{time}后重试。",
  unstableText:
    "The server is silent. Checking whether it still answers.|服务器没有动静，正在确认它是否还在。",
  endedText: "Ended: {error}.|连接已结束：{error}。",
  gaveUpText: "Gave up after {n} attempts: {error}.|尝试 {n} 次后放弃：{error}。",
  stayingText: "Reconnect to try again.|点击“立即重连”可再次尝试。",
  logInText: "Log in: this page then reconnects by itself.|请登录，之后本页会自动恢复。",
  logInAndText: "Log in, then reconnect.|请先登录，再重新连接。",
  switchedOffText: "Automatic reconnecting is off.|自动重连已关闭。",
  disconnectedText: "Not connected. Reconnect at any time.|未连接，可随时重新连接。",

  countdown: "in {time}|{time}后",
  details: "Connection details|连接详情",
  close: "Close|关闭",
  since: "Since|开始于",
  session: "Session|会话",
  network: "Network|网络",
  latency: "Latency|延迟",
  latencyRange:
    "Latency of the last {n} answered pings: {min} to {max}|最近 {n} 次应答的延迟：{min} 至 {max}",
  pings: "Pings|Ping",
  pongs: "Pongs|Pong",
  misses: "Misses|未应答",
  reconnects: "Reconnects|重连次数",
  pending: "Pending|待应答",
  pingsHint: "Pings from the server, each answered|服务器发来的心跳，均已应答",
  pongsHint: "Answers of the server to this page's pings|服务器对本页 Ping 的应答",
  missesHint: "This page's pings without an answer in time|未按时得到应答的 Ping",
  lastPing: "Last ping|最近 Ping",
  lastPong: "Last pong|最近 Pong",
  attempts: "Attempts|尝试次数",
  attemptsNext: "{n}, next in {time}|{n}，{time}后重试",
  lastError: "Last error|最近错误",
  none: "none|无",

  reconnect: "Reconnect now|立即重连",
  disconnect: "Disconnect|断开",
  ping: "Ping|Ping",
  reset: "Reset|重置",
  resetHint: "Forget attempts, delays and the last error|清除尝试次数、等待时间和最近错误",
  autoReconnect: "Reconnect automatically|自动重连",
  pinged: "Answer after {time}|{time}后得到应答",
  notPinged: "No answer to the ping|Ping 没有得到应答",
  resetDone: "Attempts and last error forgotten|已清除尝试次数和最近错误",

  policy:
    "this page's content security policy does not allow the connection (connect-src)|本页的内容安全策略（connect-src）不允许此连接",
  code1001: "server restarting|服务器正在重启",
  code1012: "server restarting|服务器正在重启",
  code4001: "server restarting|服务器正在重启",
};

/**
 * For close codes, the server's standard reason and a Chinese text. Reasons of codes below 4000, and of 4006,
 * are also the client's own.
 * @type {Record<string, string>}
 */
const CODES = {
  1000: "|正常关闭",
  1005: "|连接已关闭",
  1006: "|连接中断",
  1011: "|服务器错误",
  4001: "server shutting down|服务器正在重启",
  4002: "heartbeat timeout|心跳超时",
  4003: "slow consumer|接收过慢",
  4004: "rate limit exceeded|超出频率限制",
  4005: "no hello in time|未及时握手",
  4006: "|页面已冻结",
  4007: "delivery count does not match|送达计数不一致",
  4008: "credentials changed|凭据已更改",
  4009: "try again later|请稍后再试",
  4500: "disconnected by an administrator|已被管理员断开",
  4501: "not authenticated|未登录",
  4502: "origin not allowed|不允许从本站点连接",
  4503: "logged out|已退出登录",
  4504: "too many sessions|会话过多",
  4505: "protocol errors|协议错误",
  4506: "session continued elsewhere|会话已在别处继续",
};

const ENGLISH = inLanguage(0);
const CHINESE = inLanguage(1);
for (const [code, texts] of Object.entries(CODES)) CHINESE[`code${code}`] = side(texts, 1);

/** @type {Record<string, Partial<Words>>} by language tag, in lower case */
export const languages = { en: ENGLISH, zh: CHINESE };

/** The texts of one language. @param {0 | 1} column @returns {Words} */
function inLanguage(column) {
  const texts = Object.entries(TEXTS).map(([key, both]) => [key, side(both, column)]);
  return Object.fromEntries(texts);
}

/** @param {string} both @param {0 | 1} column */
function side(both, column) {
  return both.split("|")[column];
}

/**
 * The reason that the server gives by itself; any other was written by a person.
 * @param {number} code
 * @returns {string | undefined}
 */
export function standardReason(code) {
  return CODES[code]?.split("|")[0];
}

/**
 * @param {string} tag as in `lang`: "de", "pt-BR"
 * @param {Partial<Words>} words
 */
export function addLanguage(tag, words) {
  const key = tag.toLowerCase();
  languages[key] = { ...languages[key], ...words };
}

/**
 * The texts for a language tag: for each key the most specific of "zh-hans-CN", "zh-hans", "zh"
 * and English that has it.
 * @param {string} lang
 * @returns {Words}
 */
export function translations(lang) {
  const tag = lang.toLowerCase();
  const isKnown = Object.hasOwn(languages, tag); // a page's `lang` may be "constructor"
  const own = isKnown && languages[tag];
  const words = tag ? { ...translations(tag.replace(/-?[^-]*$/, "")), ...own } : languages.en;
  return /** @type {Words} */ (words);
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/**
 * Replace `{name}` by `values.name`; names without a value stay. Where a part is from right to left,
 * values are isolated: none changes the order of the text around it.
 * @param {string} text
 * @param {Record<string, string>} values
 */
export function interpolate(text, values) {
  const isMixed = RIGHT_TO_LEFT.test(text + Object.values(values));
  return text.replace(/\{(\w+)\}/g, (braces, name) => {
    const value = values[name] ?? braces;
    return isMixed ? `\u2068${value}\u2069` : value;
  });
}

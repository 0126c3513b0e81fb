/** The element's texts by language. `addLanguage` adds one; English fills the gaps. */

/**
 * Texts of the element. It replaces `{time}`, `{n}`, `{error}`, `{min}` and `{max}`. `degraded`
 * follows `connected`. Optional `code…` keys (`code4002`) explain a close code; without one, or
 * if a person wrote a reason, the element shows the reason of the server.
 * @typedef {Record<keyof typeof ENGLISH, string> & Record<string, string>} Words
 */

const ENGLISH = {
  label: "Connection",
  connected: "connected",
  connecting: "connecting",
  unstable: "unstable",
  error: "error",
  disconnected: "disconnected",
  degraded: "but limited",
  online: "online",
  offline: "offline",

  connectedText: "All is well: the server answers.",
  degradedText:
    "Connected, but the server cannot reach its data at the moment. It keeps trying; there is nothing to do here.",
  connectingText: "Connecting to the server.",
  retryingText: "Connecting to the server, attempt {n}.",
  waitingText: "No connection. Next attempt in {time}.",
  restartingText: "The server is restarting.",
  restartingWaitingText: "The server is restarting. Next attempt in {time}.",
  unstableText: "The server is silent. Checking whether it still answers.",
  endedText: "Ended: {error}.",
  gaveUpText: "Gave up after {n} attempts: {error}.",
  stayingText: "Reconnect to try again.",
  logInText: "Log in: this page then reconnects by itself.",
  logInAndText: "Log in, then reconnect.",
  switchedOffText: "Automatic reconnecting is off.",
  disconnectedText: "Not connected. Reconnect at any time.",

  countdown: "in {time}",
  details: "Connection details",
  close: "Close",
  since: "Since",
  session: "Session",
  network: "Network",
  latency: "Latency",
  latencyRange: "Latency of the last {n} answered pings: {min} to {max}",
  pings: "Pings",
  pongs: "Pongs",
  misses: "Misses",
  reconnects: "Reconnects",
  pending: "Pending",
  pingsHint: "Pings from the server, each answered",
  pongsHint: "Answers of the server to this page's pings",
  missesHint: "This page's pings without an answer in time",
  lastPing: "Last ping",
  lastPong: "Last pong",
  attempts: "Attempts",
  attemptsNext: "{n}, next in {time}",
  lastError: "Last error",
  none: "none",

  reconnect: "Reconnect now",
  disconnect: "Disconnect",
  ping: "Ping",
  reset: "Reset",
  resetHint: "Forget attempts, delays and the last error",
  autoReconnect: "Reconnect automatically",
  pinged: "Answer after {time}",
  notPinged: "No answer to the ping",
  resetDone: "Attempts and last error forgotten",

  policy: "this page's content security policy does not allow the connection (connect-src)",
  code1001: "server restarting",
  code1012: "server restarting",
  code4001: "server restarting",
};

/** @type {Words} */
const CHINESE = {
  label: "连接",
  connected: "已连接",
  connecting: "连接中",
  unstable: "不稳定",
  error: "错误",
  disconnected: "已断开",
  degraded: "（功能受限）",
  online: "在线",
  offline: "离线",

  connectedText: "一切正常：服务器有响应。",
  degradedText: "连接正常，但服务器暂时无法访问其数据。它会不断重试，无需任何操作。",
  connectingText: "正在连接服务器。",
  retryingText: "正在连接服务器，第 {n} 次尝试。",
  waitingText: "连接已中断，{time}后重试。",
  restartingText: "服务器正在重启。",
  restartingWaitingText: "服务器正在重启，{time}后重试。",
  unstableText: "服务器没有动静，正在确认它是否还在。",
  endedText: "连接已结束：{error}。",
  gaveUpText: "尝试 {n} 次后放弃：{error}。",
  stayingText: "点击“立即重连”可再次尝试。",
  logInText: "请登录，之后本页会自动恢复。",
  logInAndText: "请先登录，再重新连接。",
  switchedOffText: "自动重连已关闭。",
  disconnectedText: "未连接，可随时重新连接。",

  countdown: "{time}后",
  details: "连接详情",
  close: "关闭",
  since: "开始于",
  session: "会话",
  network: "网络",
  latency: "延迟",
  latencyRange: "最近 {n} 次应答的延迟：{min} 至 {max}",
  pings: "Ping",
  pongs: "Pong",
  misses: "未应答",
  reconnects: "重连次数",
  pending: "待应答",
  pingsHint: "服务器发来的心跳，均已应答",
  pongsHint: "服务器对本页 Ping 的应答",
  missesHint: "未按时得到应答的 Ping",
  lastPing: "最近 Ping",
  lastPong: "最近 Pong",
  attempts: "尝试次数",
  attemptsNext: "{n}，{time}后重试",
  lastError: "最近错误",
  none: "无",

  reconnect: "立即重连",
  disconnect: "断开",
  ping: "Ping",
  reset: "重置",
  resetHint: "清除尝试次数、等待时间和最近错误",
  autoReconnect: "自动重连",
  pinged: "{time}后得到应答",
  notPinged: "Ping 没有得到应答",
  resetDone: "已清除尝试次数和最近错误",

  policy: "本页的内容安全策略（connect-src）不允许此连接",
  code1000: "正常关闭",
  code1001: "服务器正在重启",
  code1005: "连接已关闭",
  code1006: "连接中断",
  code1011: "服务器错误",
  code1012: "服务器正在重启",
  code4001: "服务器正在重启",
  code4002: "心跳超时",
  code4003: "接收过慢",
  code4004: "超出频率限制",
  code4005: "未及时握手",
  code4006: "页面已冻结",
  code4007: "送达计数不一致",
  code4008: "凭据已更改",
  code4009: "请稍后再试",
  code4500: "已被管理员断开",
  code4501: "未登录",
  code4502: "不允许从本站点连接",
  code4503: "已退出登录",
  code4504: "会话过多",
  code4505: "协议错误",
  code4506: "会话已在别处继续",
};

/** @type {Readonly<Record<number, string>>} The server's standard reasons; any other reason was written by a person. */
export const STANDARD_REASONS = Object.freeze({
  4001: "server shutting down",
  4002: "heartbeat timeout",
  4003: "slow consumer",
  4004: "rate limit exceeded",
  4005: "no hello in time",
  4007: "delivery count does not match",
  4008: "credentials changed",
  4009: "try again later",
  4500: "disconnected by an administrator",
  4501: "not authenticated",
  4502: "origin not allowed",
  4503: "logged out",
  4504: "too many sessions",
  4505: "protocol errors",
  4506: "session continued elsewhere",
});

/** @type {Record<string, Partial<Words>>} by language tag, in lower case */
export const languages = { en: ENGLISH, zh: CHINESE };

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
  const parts = lang.toLowerCase().split("-");
  const tags = parts.map((_, i) => parts.slice(0, i + 1).join("-")); // the most specific last: it wins
  return Object.assign({}, ENGLISH, ...tags.map((tag) => own(languages, tag)));
}

/**
 * Own properties only: a page's `lang` may be "constructor".
 * @param {Record<string, Partial<Words>>} table
 * @param {string} key
 */
function own(table, key) {
  return Object.hasOwn(table, key) ? table[key] : {};
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

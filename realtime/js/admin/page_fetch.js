/**
 * Fetches the current version of the page from the server.
 *
 * By XMLHttpRequest, whose response can be a document: sites that demand Trusted Types forbid
 * to parse HTML from a text.
 */

const TIMEOUT_MS = 5_000;

/** @typedef {"store" | "left" | "gone"} Reason */

/** The server answered without a page: store unavailable, no login or permission, or no session. */
export class PageUnavailable extends Error {
  /** @param {Reason} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * The page at `url`. Rejects with PageUnavailable, and with another Error if there was no answer.
 *
 * @param {URL} url
 * @returns {Promise<Document>}
 */
export function fetchPage(url) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.timeout = TIMEOUT_MS;
    request.setRequestHeader("Cache-Control", "no-cache");
    request.onerror = request.ontimeout = () => reject(new Error("no answer"));
    request.onload = () => {
      const reason = unavailableReason(request.status, request.responseURL, url);
      if (reason) reject(new PageUnavailable(reason));
      else if (request.status === 200 && request.response) resolve(request.response);
      else reject(new Error(String(request.status)));
    };
    request.send();
  });
}

/**
 * Why the response is not the page: by its status, or by a redirect (the login page has another
 * path). "" for other responses.
 *
 * @param {number} status @param {string} responseUrl @param {URL} requested
 * @returns {Reason | ""}
 */
export function unavailableReason(status, responseUrl, requested) {
  if (status === 503) return "store";
  if (status === 404) return "gone";
  if (status === 403 || new URL(responseUrl).pathname !== requested.pathname) return "left";
  return "";
}

/**
 * Asks the server for the page as it is now.
 *
 * By XMLHttpRequest, whose answer is a document already: to make one of a text is forbidden
 * where the site demands Trusted Types.
 */

/** After so long a server that says nothing has not answered. */
const PATIENCE_MS = 5_000;

/** @typedef {"store" | "left" | "gone"} Why */

/** The server has answered, and has no news. */
export class Refused extends Error {
  /** @param {Why} why */
  constructor(why) {
    super(why);
    this.why = why;
  }
}

/**
 * The page at this address; rejects with Refused, and with another error if no answer came.
 *
 * @param {URL} url
 * @returns {Promise<Document>}
 */
export function load(url) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.timeout = PATIENCE_MS;
    request.setRequestHeader("Cache-Control", "no-cache");
    request.onerror = request.ontimeout = () => reject(new Error("no answer"));
    request.onload = () => {
      const why = refusal(request.status, request.responseURL, url);
      if (why) reject(new Refused(why));
      else if (request.status === 200 && request.response) resolve(request.response);
      else reject(new Error(String(request.status)));
    };
    request.send();
  });
}

/**
 * Why there is no news, by the answer's status and by where it comes from: who has no login any
 * more is led elsewhere. "" if that is none of ours.
 *
 * @param {number} status @param {string} from @param {URL} asked
 * @returns {Why | ""}
 */
export function refusal(status, from, asked) {
  if (status === 503) return "store";
  if (status === 404) return "gone";
  if (status === 403 || new URL(from).pathname !== asked.pathname) return "left";
  return "";
}

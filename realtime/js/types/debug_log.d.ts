/**
 * @param {string} type
 * @param {object} detail whose texts hold no secret of the client
 */
export function logEvent(type: string, detail: object): void;

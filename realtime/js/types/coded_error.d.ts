/** Errors of the api, which a program tells apart by their `code`. */
/**
 * @param {string} code
 * @param {string} detail for people
 * @returns {Error & {code: string}}
 */
export function codedError(code: string, detail: string): Error & {
    code: string;
};

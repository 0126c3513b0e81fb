/**
 * Awaited, it gives the answer; of a stream, a list of all parts. Iterated, it gives the parts; of
 * a single answer, that one. Do one of both, once.
 * @template T
 */
export class Reply<T> {
    /**
     * @param {(count: number) => void} acknowledge that the page has consumed so many parts by now
     * @param {() => void} onLeft the page iterates no further
     */
    constructor(acknowledge: (count: number) => void, onLeft: () => void);
    /**
     * Take a reply of the server.
     * @param {Record<string, any>} frame
     * @param {number} bytes of the frame
     */
    receive({ data, done }: Record<string, any>, bytes: number): void;
    /**
     * End it with an error, after the parts that have come.
     * @param {unknown} error
     * @param {boolean} [isNow] drop these parts
     */
    fail(error: unknown, isNow?: boolean): void;
    /**
     * @template [A=T]
     * @template [B=never]
     * @param {((answer: T) => A | PromiseLike<A>) | null} [onAnswer]
     * @param {((error: any) => B | PromiseLike<B>) | null} [onFailure]
     * @returns {Promise<A | B>}
     */
    then<A = T, B = never>(onAnswer?: ((answer: T) => A | PromiseLike<A>) | null, onFailure?: ((error: any) => B | PromiseLike<B>) | null): Promise<A | B>;
    /**
     * @template [B=never]
     * @param {((error: any) => B | PromiseLike<B>) | null} [onFailure]
     * @returns {Promise<T | B>}
     */
    catch<B = never>(onFailure?: ((error: any) => B | PromiseLike<B>) | null): Promise<T | B>;
    /** @returns {AsyncGenerator<T, void, void>} */
    [Symbol.asyncIterator](): AsyncGenerator<T, void, void>;
    #private;
}
export type Part = {
    data: any;
    bytes: number;
};

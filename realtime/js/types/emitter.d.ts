declare const Emitter_base: new () => Pick<EventTarget, "dispatchEvent">;
/** Listeners that get the detail of an event, beside those of `addEventListener`. */
/** @template {object} Details the details of the events by their types */
export class Emitter<Details extends object> extends Emitter_base {
    /** @param {(type: unknown) => void} [onListener] called after a listener was added */
    constructor(onListener?: (type: unknown) => void);
    /**
     * Call the listener with the detail of each event of this type.
     * @template {keyof Details} Type
     * @param {Type} type
     * @param {(detail: Details[Type]) => void} listener
     * @returns {() => void} ends that
     */
    on<Type extends keyof Details>(type: Type, listener: (detail: Details[Type]) => void): () => void;
    /**
     * Call the listener with the detail of the next event of this type only.
     * @template {keyof Details} Type
     * @param {Type} type
     * @param {(detail: Details[Type]) => void} listener
     * @returns {() => void} ends that
     */
    once<Type extends keyof Details>(type: Type, listener: (detail: Details[Type]) => void): () => void;
    /**
     * Undo every `on` and `once` with these arguments.
     * @template {keyof Details} Type
     * @param {Type} type
     * @param {(detail: Details[Type]) => void} listener
     */
    off<Type extends keyof Details>(type: Type, listener: (detail: Details[Type]) => void): void;
    #private;
}
export {};

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
export function html<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, attributes?: Record<string, string>, ...children: (Node | string)[]): HTMLElementTagNameMap[Tag];
/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {Node[]} children
 */
export function svg(tag: string, attributes?: Record<string, string>, ...children: Node[]): SVGElement;
/**
 * Only what changes is written: a screen reader may look at every write.
 * @param {Element} element
 * @param {string} text
 */
export function write(element: Element, text: string): void;
/**
 * @param {Element} element
 * @param {Record<string, string>} attributes
 */
export function mark(element: Element, attributes: Record<string, string>): void;

/**
 * An element with these attributes; `part` is also its class.
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
 * Writes only a changed text, because a screen reader may announce every write.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element: Element, text: string): void;
/**
 * Writes only changed attributes.
 * @param {Element} element
 * @param {Record<string, string>} attributes
 */
export function setAttributes(element: Element, attributes: Record<string, string>): void;

/** With `node --import`: tests of the client get the bundle in place of its modules. */

import { register } from "node:module";

const BUNDLE = new URL("../../realtime/static/realtime/realtime.js", import.meta.url).href;

const hooks = `
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context);
    const isClient = /realtime\\/js\\/(client|index)\\.js$/.test(found.url);
    const isOwn = context.parentURL?.includes("/realtime/js/"); // of a copy of the modules
    return isClient && !isOwn ? next(${JSON.stringify(BUNDLE)}, context) : found;
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

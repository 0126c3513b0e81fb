/** The types of `vue.js`, and those of `<realtime-status>` in templates. */

import type { HTMLAttributes } from "vue";
import type { RealtimeStatus, RealtimeStatusAttributes } from "./status_types.js";

export * from "./types/vue.js";

declare module "vue" {
  interface GlobalComponents {
    "realtime-status": new () => RealtimeStatus & {
      $props: HTMLAttributes & RealtimeStatusAttributes;
    };
  }
}

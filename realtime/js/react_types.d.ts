/** The types of `react.js`, and those of `<realtime-status>` in JSX. */

import type { RealtimeStatus, RealtimeStatusAttributes } from "./status_types.js";

export * from "./types/react.js";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "realtime-status": DetailedHTMLProps<HTMLAttributes<RealtimeStatus>, RealtimeStatus> &
        RealtimeStatusAttributes & { class?: string };
    }
  }
}

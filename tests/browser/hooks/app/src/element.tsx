// The types of the element: `tsc` checks this file, and no page loads it.
import type {} from "channels-realtime/react";
import { RealtimeClient, type RealtimeStatus } from "channels-realtime/status.js";
import type {} from "channels-realtime/vue";
import { createRef } from "react";
import type { GlobalComponents } from "vue";

const client = new RealtimeClient();
const status = createRef<RealtimeStatus>();

export const right = (
  <>
    <realtime-status ref={status} className="wide" lang="de" url="/ws/" placement="top-end" compact />
    <realtime-status class="wide" details="" controls="none" client={client} open={true} />
  </>
);

export const wrong = [
  // @ts-expect-error
  <realtime-status key="1" placement="left" />,
  // @ts-expect-error
  <realtime-status key="2" compact={false} />,
  // @ts-expect-error
  <realtime-status key="3" address="/ws/" />,
];

type Props = InstanceType<GlobalComponents["realtime-status"]>["$props"];

export const rightProps: Props[] = [
  { class: "wide", lang: "de", url: "/ws/", placement: "top-end", compact: true },
  { details: "", controls: "none", client, open: true },
];

export const wrongProps: Props[] = [
  // @ts-expect-error
  { placement: "left" },
  // @ts-expect-error
  { compact: false },
  // @ts-expect-error
  { address: "/ws/" },
];

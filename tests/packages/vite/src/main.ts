import {
  connect,
  type Listener,
  type MessageDetail,
  type Options,
  type SendError,
} from "channels-realtime";
import { RealtimeStatus } from "channels-realtime/status.js";

const options: Options = { url: "/ws/", backoff: { cap: 10_000 } };
const client = connect(options);
const list = document.querySelector("#messages");
const status: RealtimeStatus | null = document.querySelector("realtime-status");
const close: Listener<"state"> = ({ detail }) => {
  if (status && detail.state === "connected") status.open = false;
};

function show({ room, data }: MessageDetail): void {
  const item = document.createElement("li");
  item.textContent = `${room}: ${JSON.stringify(data)}`;
  list?.append(item);
}

RealtimeStatus.addLanguage("de", { connected: "verbunden" });
client.join("chat:lobby");
client.addEventListener("state", close);
client.addEventListener("message", ({ detail }) => show(detail));
client.addEventListener("resync", () => location.reload());
client.send("chat:lobby", { text: "hi" }).catch((error: SendError) => console.warn(error.code));

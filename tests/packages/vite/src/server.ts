import { RealtimeClient } from "channels-realtime";
import "channels-realtime/status.js";

const client = new RealtimeClient({ url: "wss://example.com/ws/" });
console.log(`<p>${client.state}</p>`);

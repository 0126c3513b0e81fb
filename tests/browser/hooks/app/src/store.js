import { useRealtime } from "channels-realtime/vue";
import { defineStore } from "pinia";
import { computed } from "vue";

export const useRealtimeStore = defineStore("realtime", () => {
  const { client, state, stats } = useRealtime();
  return {
    status: state,
    pingCount: computed(() => stats.value.pings),
    missedPongs: computed(() => stats.value.misses),
    reconnectAttempts: computed(() => stats.value.attempts),
    connect: () => client.connect(),
    disconnect: () => client.disconnect(),
    enableAutoReconnect: () => client.enableAutoReconnect(),
    disableAutoReconnect: () => client.disableAutoReconnect(),
    resetReconnectState: () => client.resetReconnectState(),
    sendPing: () => client.ping(),
    on: (type, listener) => client.on(type, listener),
  };
});

import { useRealtime, useRoom } from "channels-realtime/vue";
import { defineComponent, h, ref } from "vue";
import { useRealtimeStore } from "./store.js";

const Lobby = defineComponent({
  props: { id: { type: String, required: true }, name: { type: null, required: true } },
  setup(props) {
    const texts = ref<string[]>([]);
    const name = () => props.name as string | null;
    const { joined, presence, send } = useRoom<{ text: string }, { name: string }>(name, {
      presence: true,
      onMessage: ({ data }) => texts.value.push(data.text),
      onResync: ({ reason }) => {
        texts.value = [reason];
      },
    });
    const people = () => presence.value?.list?.map(({ data }) => data.name).join();
    return () =>
      h("section", { id: props.id, "data-joined": `${joined.value}`, "data-people": people() }, [
        h("button", { onClick: () => void send({ text: `from ${props.id}`, tag: "" }) }, "Send"),
        h("output", texts.value.join(", ")),
      ]);
  },
});

const Dashboard = defineComponent(() => {
  const store = useRealtimeStore();
  return () => h("p", { id: "store" }, [store.status, store.pingCount > 0 ? " alive" : ""]);
});

export const App = defineComponent(() => {
  const { client, state, stats } = useRealtime();
  const isShown = ref(true);
  const hasStore = ref(false);
  const name = ref<string | null>("chat:hooks");
  const button = (word: string, onClick: () => void) => h("button", { onClick }, word);
  return () => [
    h("p", { id: "state" }, state.value),
    h("p", { id: "session" }, stats.value.session ?? ""),
    h("p", { id: "pings" }, stats.value.pings),
    button("Toggle", () => (isShown.value = !isShown.value)),
    button("Switch", () => (name.value = name.value ? null : "chat:hooks")),
    button("Store", () => (hasStore.value = !hasStore.value)),
    button("Disconnect", () => client.disconnect()),
    isShown.value ? h(Lobby, { id: "one", name: "chat:hooks" }) : null,
    h(Lobby, { id: "two", name: name.value }),
    hasStore.value ? h(Dashboard) : null,
  ];
});

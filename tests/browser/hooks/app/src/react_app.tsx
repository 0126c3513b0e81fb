import { useRealtime, useRoom } from "channels-realtime/react";
import { useEffect, useState } from "react";

let effects = 0;

function Lobby({ id, name }: { id: string; name: string | null }) {
  const [texts, setTexts] = useState<string[]>([]);
  const { joined, presence, send } = useRoom<{ text: string }, { name: string }>(name, {
    presence: true,
    onMessage: ({ data }) => setTexts((before) => [...before, data.text]),
    onResync: ({ reason }) => setTexts([reason]),
  });
  useEffect(() => {
    effects += 1;
    document.body.dataset.effects = `${effects}`;
  }, []);
  return (
    <section id={id} data-joined={joined} data-people={presence?.list?.map(({ data }) => data.name).join()}>
      <button type="button" onClick={() => void send({ text: `from ${id}`, tag: "" })}>
        Send
      </button>
      <output>{texts.join(", ")}</output>
    </section>
  );
}

export function App() {
  const { client, state, stats } = useRealtime();
  const [isShown, setShown] = useState(true);
  const [name, setName] = useState<string | null>("chat:hooks");
  return (
    <>
      <p id="state">{state}</p>
      <p id="session">{stats.session}</p>
      <p id="pings">{stats.pings}</p>
      <button type="button" onClick={() => setShown(!isShown)}>
        Toggle
      </button>
      <button type="button" onClick={() => setName(name ? null : "chat:hooks")}>
        Switch
      </button>
      <button type="button" onClick={() => client.disconnect()}>
        Disconnect
      </button>
      {isShown && <Lobby id="one" name="chat:hooks" />}
      <Lobby id="two" name={name} />
    </>
  );
}

/** Hooks for React 18 and newer. */

import { useInsertionEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { clientFor, INITIAL_STATS, useOf } from "./hooks/client_use.js";
import { NOT_JOINED, RoomUse } from "./hooks/room_use.js";

/** @typedef {import("./client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("./hooks/client_use.js").UseOptions} RealtimeOptions */
/** @typedef {{client: RealtimeClient, state: import("./state_tracker.js").ClientState, stats: import("./events.js").Stats}} Realtime */

/**
 * @template [Data=any]
 * @typedef {import("./room_cursor.js").RoomOptions & import("./hooks/room_use.js").RoomListeners<Data> & {client?: RealtimeClient}} UseRoomOptions
 */
/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {import("./hooks/room_use.js").RoomStatus<Data, Person> & {send: (data: unknown) => Promise<any>}} Room
 */

/**
 * The page's client, connected while a component uses it, and its stats as they change. The options
 * count when the page has no client for their `url` yet.
 * @param {RealtimeOptions} [options]
 * @returns {Realtime}
 */
export function useRealtime(options = {}) {
  const client = useClient(options);
  const use = useOf(client);
  const stats = useSyncExternalStore(use.subscribe, () => use.stats, initialStats);
  return useMemo(() => ({ client, state: stats.state, stats }), [client, stats]);
}

/**
 * A room, joined while the component is mounted. Another name leaves it for another room; with null
 * there is none. Listeners may be new functions with each render; `since`, `rewind` and `presence`
 * count when the room is opened.
 * @template [Data=any]
 * @template [Person=any]
 * @param {string | null} name
 * @param {UseRoomOptions<Data>} [options]
 * @returns {Room<Data, Person>}
 */
export function useRoom(name, options = {}) {
  const client = useClient({ client: options.client });
  const use = useRoomUse(client, name, options);
  const status = useSyncExternalStore(use.subscribe, () => use.status, notJoined);
  return useMemo(() => ({ ...status, send: use.send }), [status, use]);
}

/** @param {RealtimeOptions} options */
function useClient(options) {
  const { client, url } = options;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the other options count once
  return useMemo(() => clientFor(options), [client, url]);
}

/**
 * @param {RealtimeClient} client
 * @param {string | null} name
 * @param {UseRoomOptions} options
 */
function useRoomUse(client, name, options) {
  const latest = useRef(options);
  useInsertionEffect(() => {
    latest.current = options;
  });
  const create = () => new RoomUse(client, name, () => latest.current);
  // A state outlives effects that are run again: its position is where the component has got to.
  const [use, setUse] = useState(create);
  if (use.client === client && use.name === name) return use;
  const other = create();
  setUse(other);
  return other;
}

const initialStats = () => INITIAL_STATS;
const notJoined = () => NOT_JOINED;

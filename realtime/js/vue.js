/** Composables for Vue 3. */

import {
  computed,
  getCurrentInstance,
  getCurrentScope,
  onMounted,
  onScopeDispose,
  shallowRef,
  toValue,
  watch,
} from "vue";

import { clientFor, INITIAL_STATS, useOf } from "./hooks/client_use.js";
import { NOT_JOINED, RoomUse } from "./hooks/room_use.js";

/** @typedef {import("./client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("./hooks/client_use.js").UseOptions} RealtimeOptions */
/** @typedef {import("./room_cursor.js").RoomOptions} RoomOptions */
/** @template T @typedef {import("vue").ComputedRef<T>} ComputedRef */

/**
 * @typedef {object} Realtime
 * @property {RealtimeClient} client
 * @property {ComputedRef<import("./state_tracker.js").ClientState>} state
 * @property {ComputedRef<import("./events.js").Stats>} stats
 */

/**
 * @template [Data=any]
 * @typedef {import("./hooks/room_use.js").RoomListeners<Data> & Beginning} UseRoomOptions
 */
/**
 * @typedef {object} Beginning
 * @property {RealtimeClient} [client] instead of the page's
 * @property {import("vue").MaybeRefOrGetter<RoomOptions["since"]>} [since]
 * @property {import("vue").MaybeRefOrGetter<number>} [rewind]
 */

/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {object} Room
 * @property {ComputedRef<import("./room_handle.js").RoomHandle<Data, Person> | null>} room null: not mounted yet, or no room wanted
 * @property {ComputedRef<boolean>} joined
 * @property {ComputedRef<import("./room_handle.js").RoomEvents["left"] | null>} left null: not left since it was joined
 * @property {ComputedRef<import("./presence.js").Presence<Person> | null>} presence null: not known, or not wanted
 * @property {(data: unknown) => Promise<any>} send
 */

/**
 * The page's client, connected while a component or an effect scope uses it, and its stats as they
 * change. The options count when the page has no client for their `url` yet.
 * @param {RealtimeOptions} [options]
 * @returns {Realtime}
 */
export function useRealtime(options = {}) {
  const client = clientFor(options);
  const use = useOf(client);
  const stats = shallowRef(INITIAL_STATS); // the first render equals the server's
  whileUsed(() => {
    const update = () => {
      stats.value = use.stats;
    };
    const end = use.subscribe(update);
    update();
    return end;
  });
  return { client, state: computed(() => stats.value.state), stats: computed(() => stats.value) };
}

/**
 * A room, joined while the component is mounted or the effect scope lives. Another name leaves it for
 * another room; with null there is none. `since`, `rewind` and `presence` count when the room is opened.
 * @template [Data=any]
 * @template [Person=any]
 * @param {import("vue").MaybeRefOrGetter<string | null>} name
 * @param {UseRoomOptions<Data>} [options]
 * @returns {Room<Data, Person>}
 */
export function useRoom(name, options = {}) {
  const client = clientFor({ client: options.client });
  const current = () => ({
    ...options,
    since: toValue(options.since),
    rewind: toValue(options.rewind),
  });
  const create = () => new RoomUse(client, toValue(name), current);
  const status = shallowRef(NOT_JOINED);
  whileUsed(() => followRoom(() => toValue(name), create, status));
  return {
    room: computed(() => status.value.room),
    joined: computed(() => status.value.joined),
    left: computed(() => status.value.left),
    presence: computed(() => status.value.presence),
    send: (data) => create().send(data),
  };
}

/**
 * Use the room of the current name, until the returned function is called.
 * @param {() => string | null} name
 * @param {() => RoomUse} create
 * @param {{value: import("./hooks/room_use.js").RoomStatus}} status is kept up to date
 */
function followRoom(name, create, status) {
  let leave = () => {};
  const begin = () => {
    leave();
    const use = create();
    status.value = use.status;
    leave = use.subscribe(() => {
      status.value = use.status;
    });
  };
  const stop = watch(name, begin, { immediate: true });
  return () => {
    stop();
    leave();
  };
}

/**
 * Run `begin` once the component is mounted, or at once without one, and what it returns with the
 * end of the effect scope: that of the component, or of a store. A server runs neither.
 * @param {() => () => void} begin
 */
function whileUsed(begin) {
  if (!globalThis.document) return;
  const scope = getCurrentScope();
  const instance = getCurrentInstance();
  let end = () => {};
  let isOver = false;
  const start = () => {
    // A store is set up within a component, and outlives it.
    if (!isOver) end = scope?.run(begin) ?? begin();
  };
  if (scope)
    onScopeDispose(() => {
      isOver = true;
      end();
    });
  if (instance && !instance.isMounted) onMounted(start);
  else start();
}

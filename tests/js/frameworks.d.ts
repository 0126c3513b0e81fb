/** The names that the hooks import: no framework is installed here. The pages of tests/browser/hooks have the real types. */

declare module "react" {
  export function useInsertionEffect(effect: () => void): void;
  export function useMemo<T>(create: () => T, dependencies: readonly unknown[]): T;
  export function useRef<T>(initial: T): { current: T };
  export function useState<T>(initial: T | (() => T)): [T, (value: T) => void];
  export function useSyncExternalStore<T>(
    subscribe: (onChange: () => void) => () => void,
    snapshot: () => T,
    serverSnapshot: () => T,
  ): T;
}

declare module "vue" {
  export interface Ref<T> {
    value: T;
  }
  export interface ComputedRef<T> {
    readonly value: T;
  }
  export type MaybeRefOrGetter<T> = T | Ref<T> | ComputedRef<T> | (() => T);
  export interface EffectScope {
    run<T>(body: () => T): T | undefined;
  }
  export function computed<T>(getter: () => T): ComputedRef<T>;
  export function getCurrentInstance(): { isMounted: boolean } | null;
  export function getCurrentScope(): EffectScope | undefined;
  export function onMounted(hook: () => void): void;
  export function onScopeDispose(hook: () => void): void;
  export function shallowRef<T>(value: T): Ref<T>;
  export function toValue<T>(value: MaybeRefOrGetter<T>): T;
  export function watch<T>(
    source: () => T,
    callback: (value: T) => void,
    options: { immediate: boolean },
  ): () => void;
}

// A value that lives in localStorage and is the same in every tab.
import { type Accessor, createSignal } from "solid-js";

export interface Stored<T> {
  /** The value; a component that reads it is drawn again when any tab changes it. */
  value: Accessor<T>;
  /** What is stored at this moment, for decisions inside a Web Lock. */
  now(): T;
  set(value: T): void;
}

/** `read` makes a value of what was stored, or of nothing, and never throws. */
export function stored<T>(key: string, read: (parsed: unknown) => T): Stored<T> {
  const load = (): T => {
    try {
      return read(JSON.parse(localStorage.getItem(key) ?? "null"));
    } catch {
      return read(null);
    }
  };
  const [value, show] = createSignal<T>(load(), { equals: false });
  addEventListener("storage", (event) => {
    if (event.key === key || event.key === null) show(() => load());
  });
  return {
    value,
    now: load,
    set(next) {
      localStorage.setItem(key, JSON.stringify(next));
      show(() => load());
    },
  };
}

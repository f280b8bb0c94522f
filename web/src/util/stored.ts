// A value in localStorage that is the same in every tab.
import { type Accessor, createSignal } from "solid-js";

export interface Stored<T> {
  /** The value; a component that reads it is updated when any tab changes it. */
  value: Accessor<T>;
  /** Reads the storage now: for decisions inside a Web Lock. */
  read(): T;
  set(value: T): void;
}

/** `parse` turns the stored JSON, or null if there is none, into a value. It must not throw. */
export function createStored<T>(key: string, parse: (json: unknown) => T): Stored<T> {
  const read = (): T => {
    try {
      return parse(JSON.parse(localStorage.getItem(key) ?? "null"));
    } catch {
      return parse(null);
    }
  };
  const [value, setValue] = createSignal<T>(read(), { equals: false });
  addEventListener("storage", (event) => {
    if (event.key === key || event.key === null) setValue(() => read());
  });
  return {
    value,
    read,
    set(next) {
      localStorage.setItem(key, JSON.stringify(next));
      setValue(() => read());
    },
  };
}

// Waits for a pause in typing before it acts, so that a word is one search.
import { onCleanup } from "solid-js";

export interface Debounced<T> {
  (value: T): void;
  /** Acts on the last value without waiting. */
  flush(): void;
}

export function createDebounced<T>(delayMs: number, act: (value: T) => void): Debounced<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pending: (() => void) | undefined;
  const flush = () => {
    clearTimeout(timer);
    pending?.();
    pending = undefined;
  };
  onCleanup(() => clearTimeout(timer));
  return Object.assign(
    (value: T) => {
      clearTimeout(timer);
      pending = () => act(value);
      timer = setTimeout(flush, delayMs);
    },
    { flush },
  );
}

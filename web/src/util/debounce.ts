// Waits for a pause before it acts, so that typing asks once.
import { onCleanup } from "solid-js";

export interface Debounced<T> {
  (value: T): void;
  /** Acts on the last value without waiting. */
  now(): void;
}

export function debounced<T>(pauseMs: number, act: (value: T) => void): Debounced<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pending: (() => void) | undefined;
  const now = () => {
    clearTimeout(timer);
    pending?.();
    pending = undefined;
  };
  onCleanup(() => clearTimeout(timer));
  return Object.assign(
    (value: T) => {
      clearTimeout(timer);
      pending = () => act(value);
      timer = setTimeout(now, pauseMs);
    },
    { now },
  );
}

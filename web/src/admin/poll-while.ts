// Reloads data while a condition holds and the page is visible.
import { createEffect, createSignal, onCleanup } from "solid-js";
import type { Load } from "../rpc/load";

const INTERVAL_MS = 1500;

export function pollWhile<T>(load: Load<T>, condition: (data: T) => boolean): void {
  const isVisible = () => document.visibilityState === "visible";
  const [visible, setVisible] = createSignal(isVisible());
  const update = () => setVisible(isVisible());
  document.addEventListener("visibilitychange", update);
  onCleanup(() => document.removeEventListener("visibilitychange", update));
  createEffect(() => {
    const data = load.data();
    if (data === undefined || !condition(data) || !visible() || load.loading()) return;
    const timer = setTimeout(load.reload, INTERVAL_MS);
    onCleanup(() => clearTimeout(timer));
  });
}

// Asks again for as long as something is under way and somebody looks.
import { createEffect, createSignal, onCleanup } from "solid-js";
import type { Load } from "../rpc/load";

const PAUSE_MS = 1500;

export function watchWhile<T>(load: Load<T>, underWay: (data: T) => boolean): void {
  const [seen, setSeen] = createSignal(document.visibilityState === "visible");
  const look = () => setSeen(document.visibilityState === "visible");
  document.addEventListener("visibilitychange", look);
  onCleanup(() => document.removeEventListener("visibilitychange", look));
  createEffect(() => {
    const data = load.data();
    if (data === undefined || !underWay(data) || !seen() || load.loading()) return;
    const timer = setTimeout(load.again, PAUSE_MS);
    onCleanup(() => clearTimeout(timer));
  });
}

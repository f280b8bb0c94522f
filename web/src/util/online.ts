// Whether the browser has a connection.
import { type Accessor, createSignal, onCleanup } from "solid-js";

export function createOnline(): Accessor<boolean> {
  const [online, setOnline] = createSignal(navigator.onLine);
  const tell = () => setOnline(navigator.onLine);
  addEventListener("online", tell);
  addEventListener("offline", tell);
  onCleanup(() => {
    removeEventListener("online", tell);
    removeEventListener("offline", tell);
  });
  return online;
}

// What has changed since it went into the cart, and one click to take it.
import { batch, For, Show } from "solid-js";
import { Alert } from "../ui/states";
import type { Change } from "./cart-changes";

export function Changes(props: { changes: Change[]; onAccept?: () => void }) {
  const accept = () =>
    batch(() => {
      for (const change of props.changes) change.accept();
      props.onAccept?.();
    });
  return (
    <Show when={props.changes.length > 0}>
      <Alert>
        <p>Your cart needs a look before you buy:</p>
        <ul>
          <For each={props.changes}>{(change) => <li>{change.words}</li>}</For>
        </ul>
        <button type="button" class="quiet" onClick={accept}>
          Accept and change my cart
        </button>
      </Alert>
    </Show>
  );
}

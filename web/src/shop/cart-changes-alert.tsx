// Reports the changes since the products were added to the cart. One click accepts them all.
import { batch, For, Show } from "solid-js";
import { Alert } from "../ui/states";
import type { CartChange } from "./cart-changes";

export function CartChangesAlert(props: { changes: CartChange[]; onAccept?: () => void }) {
  const accept = () =>
    batch(() => {
      for (const change of props.changes) change.accept();
      props.onAccept?.();
    });
  return (
    <Show when={props.changes.length > 0}>
      <Alert>
        <p>Please check your cart before you buy:</p>
        <ul>
          <For each={props.changes}>{(change) => <li>{change.message}</li>}</For>
        </ul>
        <button type="button" class="quiet" onClick={accept}>
          Accept and change my cart
        </button>
      </Alert>
    </Show>
  );
}

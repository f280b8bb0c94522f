// Shows why the last attempt placed no order, unless a field or the list of changes shows it already.
import { Match, Show, Switch } from "solid-js";
import { errorMessage, invalidFieldsOf, reasonOf } from "../../rpc/errors";
import type { CheckoutResult } from "../../shop/checkout";
import { Alert } from "../../ui/states";

const SHOWN_AS_CHANGES = ["OUT_OF_STOCK", "PRICE_CHANGED", "PRODUCT_NOT_FOUND"];

export function CheckoutError(props: {
  result: CheckoutResult | undefined;
  hasChanges: boolean;
  retry: () => void;
}) {
  const rejection = () => {
    const result = props.result;
    if (result?.kind !== "rejected") return undefined;
    const { error } = result;
    const shownAsChange = props.hasChanges && SHOWN_AS_CHANGES.includes(reasonOf(error));
    const shownAtField = Object.keys(invalidFieldsOf(error)).some((field) =>
      field.startsWith("shipping_address."),
    );
    return shownAsChange || shownAtField ? undefined : error;
  };
  return (
    <Switch>
      <Match when={rejection()}>
        {(error) => (
          <Alert>
            <p>
              No order was placed.{" "}
              <Show when={reasonOf(error()) === "RATE_LIMITED"} fallback={errorMessage(error())}>
                You have several open orders. <a href="/account">Verify your email address</a> to
                place more.
              </Show>
            </p>
          </Alert>
        )}
      </Match>
      <Match when={props.result?.kind === "abandoned"}>
        <Alert>
          <p>Your last attempt did not become an order. You can try again.</p>
        </Alert>
      </Match>
      <Match when={props.result?.kind === "unknown"}>
        <Alert>
          <p>
            The shop did not respond, so we do not know yet whether your order was placed. You can
            safely check again: it will never be placed twice.
          </p>
          <button type="button" class="quiet" onClick={() => props.retry()}>
            Check again
          </button>
        </Alert>
      </Match>
    </Switch>
  );
}

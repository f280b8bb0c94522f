// Shows why a change of the stock was not saved.
import { Match, Show, Switch } from "solid-js";
import { errorMessage, metadataOf, reasonOf } from "../../../rpc/errors";
import { type Form, FormError } from "../../../ui/form";
import { Alert } from "../../../ui/states";
import { isChangeOutcomeUnknown } from "../../idempotent-submit";
import { wholeNumber } from "../../labels";

/** What was on hand when the admin opened the form, and what is on hand now. */
export interface StaleCount {
  seen: number;
  current: number;
}

export function StockError(props: {
  form: Form;
  stale: StaleCount | undefined;
  typed: string;
  useCurrent: (onHand: number) => void;
}) {
  const error = () => props.form.error();
  return (
    <Switch fallback={<FormError form={props.form} />}>
      <Match when={reasonOf(error()) === "STALE_ETAG"}>
        <Show when={props.stale}>
          {(stale) => (
            <Alert>
              <p>
                Not saved: the stock changed in the meantime. You saw{" "}
                {wholeNumber.format(stale().seen)}, now there are{" "}
                <strong>{wholeNumber.format(stale().current)}</strong>. You typed {props.typed}:
                save again to set that anyway.
              </p>
              <button type="button" class="quiet" onClick={() => props.useCurrent(stale().current)}>
                Use {wholeNumber.format(stale().current)}
              </button>
            </Alert>
          )}
        </Show>
      </Match>
      <Match when={reasonOf(error()) === "STOCK_HELD"}>
        <Alert>
          <p>
            Not saved: checkouts in progress hold {metadataOf(error()).held}, so{" "}
            {metadataOf(error()).on_hand} are not enough. Wait a moment, or cancel their orders
            first.
          </p>
        </Alert>
      </Match>
      <Match when={reasonOf(error()) === "REQUEST_ID_REUSED"}>
        <Alert>
          <p>
            Your previous change was saved after all: see the ledger below. What you typed now is
            not saved yet.
          </p>
        </Alert>
      </Match>
      <Match when={error() !== undefined && isChangeOutcomeUnknown(error())}>
        <Alert>
          <p>
            {errorMessage(error())} You can safely save again: the change will not be made twice.
          </p>
        </Alert>
      </Match>
    </Switch>
  );
}

// The checkout, on one page: address, review, and the button that places the order.
import { createEffect, createSignal, onMount, Show, untrack } from "solid-js";
import { navigate } from "../../router";
import { availableOf, invalidFieldsOf } from "../../rpc/errors";
import { addressDraft } from "../../shop/address";
import { cartTotal, lineItems } from "../../shop/cart";
import { cartChanges, createCurrentProducts } from "../../shop/cart-changes";
import { type CheckoutResult, type OrderRequest, placeOrder } from "../../shop/checkout";
import { checkoutRequestId, isCheckoutOutcomeUnknown, orderIdOf } from "../../shop/checkout-state";
import { focusFirstInvalid } from "../../ui/form";
import { ALL_PRODUCTS } from "../../ui/link";
import { Page } from "../../ui/page";
import { Empty } from "../../ui/states";
import { moneyOf } from "../../util/money";
import { createOnline } from "../../util/online";
import { AddressFields } from "./address-fields";
import { CheckoutError } from "./checkout-error";
import { Review } from "./review";

export default function Checkout(props: { userId: string }) {
  const current = createCurrentProducts();
  let form!: HTMLFormElement;
  const checkout = createCheckout(props.userId, () => {
    current.reload();
    focusFirstInvalid(form);
  });
  const { busy, result, rejection } = checkout;
  const changes = () => cartChanges(current.data, () => availableOf(rejection()));
  return (
    <Page title="Checkout" class="wide">
      <Show
        when={lineItems().length > 0 || busy() || isCheckoutOutcomeUnknown(props.userId)}
        fallback={
          <Empty
            title="Your cart is empty"
            text="Add a product, then come back."
            link={ALL_PRODUCTS}
          />
        }
      >
        <form
          ref={form}
          class="checkout"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            checkout.send(orderRequest());
          }}
        >
          <AddressFields
            error={(field) => invalidFieldsOf(rejection())[`shipping_address.${field}`]}
          />
          <div class="place">
            <Review changes={changes()} onAccept={checkout.clearResult} />
            <CheckoutError
              result={result()}
              hasChanges={changes().length > 0}
              retry={() => checkout.send()}
            />
            <button type="submit" aria-disabled={busy()}>
              Place order
            </button>
            <Progress busy={busy()} />
          </div>
        </form>
      </Show>
    </Page>
  );
}

function Progress(props: { busy: boolean }) {
  const online = createOnline();
  return (
    <p class="hint" aria-live="polite">
      <Show
        when={props.busy}
        fallback="You will find the order in your account, and we send you a confirmation by mail."
      >
        {online()
          ? "Placing your order… You can safely wait, reload, or come back later."
          : "You are offline. We try again as soon as there is a connection."}
      </Show>
    </p>
  );
}

/** Sends one attempt at a time, and opens the order once it is placed. */
function createCheckout(userId: string, onRejected: () => void) {
  const [requestId, setRequestId] = createSignal(checkoutRequestId(userId));
  const [busy, setBusy] = createSignal(false);
  const [result, setResult] = createSignal<CheckoutResult>();
  const openOrder = (orderId: string) => navigate(`/orders/${orderId}`, { replace: true });

  const send = async (orderRequest?: OrderRequest) => {
    if (busy()) return;
    setBusy(true);
    setResult(undefined);
    try {
      const result = await placeOrder(userId, requestId(), orderRequest);
      setResult(result);
      if (result.kind === "placed") {
        openOrder(result.orderId);
        return;
      }
      setRequestId(checkoutRequestId(userId));
      if (result.kind === "rejected") onRejected();
    } finally {
      setBusy(false);
    }
  };

  // The person left the page during an attempt: find out its outcome.
  onMount(() => isCheckoutOutcomeUnknown(userId) && send());
  // Another tab has placed the order of this checkout.
  createEffect(() => {
    const orderId = orderIdOf(userId, requestId());
    if (orderId && !untrack(busy)) openOrder(orderId);
  });

  const rejection = () => {
    const last = result();
    return last?.kind === "rejected" ? last.error : undefined;
  };
  return { busy, result, rejection, send, clearResult: () => setResult(undefined) };
}

function orderRequest(): OrderRequest {
  return {
    items: lineItems().map(({ productId, quantity }) => ({
      $typeName: "shopmesh.order.v1.PlaceOrderItem",
      productId,
      quantity,
    })),
    shippingAddress: { $typeName: "shopmesh.order.v1.Address", ...addressDraft() },
    expectedTotal: moneyOf(cartTotal()),
  };
}

// Address, review and place, on one page.
import { createEffect, createSignal, For, Match, onMount, Show, Switch, untrack } from "solid-js";
import { navigate } from "../../router";
import { badFieldsOf, leftOf, reasonOf, wordsFor } from "../../rpc/errors";
import { addressDraft, changeAddress, countries } from "../../shop/address";
import { lines } from "../../shop/cart";
import { type Change, changesOf, createShop } from "../../shop/cart-changes";
import { Changes } from "../../shop/cart-changes-alert";
import { type Body, type Outcome, place } from "../../shop/checkout";
import { isOpen, orderOf, purchaseId } from "../../shop/checkout-state";
import { Field, Select } from "../../ui/field";
import { focusFirstBad } from "../../ui/form";
import { Page } from "../../ui/page";
import { Picture } from "../../ui/picture";
import { Alert, Empty } from "../../ui/states";
import { moneyOf, sum, times, written } from "../../util/money";
import { createOnline } from "../../util/online";

export default function Checkout(props: { owner: string }) {
  const owner = props.owner;
  const shop = createShop();
  const online = createOnline();
  const [id, setId] = createSignal(purchaseId(owner));
  const [busy, setBusy] = createSignal(false);
  const [outcome, setOutcome] = createSignal<Outcome>();
  const refusal = () => {
    const now = outcome();
    return now?.kind === "refused" ? now.error : undefined;
  };
  const changes = () => changesOf(shop.data, () => leftOf(refusal()));
  let form!: HTMLFormElement;

  const run = async (body?: Body) => {
    if (busy()) return;
    setBusy(true);
    setOutcome(undefined);
    try {
      const now = await place(owner, id(), body);
      setOutcome(now);
      if (now.kind === "placed") {
        navigate(`/orders/${now.orderId}`, { replace: true });
        return;
      }
      setId(purchaseId(owner));
      if (now.kind === "refused") {
        shop.again();
        focusFirstBad(form);
      }
    } finally {
      setBusy(false);
    }
  };

  // The page was left while an attempt was under way: learn what became of it.
  onMount(() => isOpen(owner) && run());
  // Another tab has made this purchase an order.
  createEffect(() => {
    const orderId = orderOf(owner, id());
    if (orderId && !untrack(busy)) navigate(`/orders/${orderId}`, { replace: true });
  });

  const placeOrder = () => {
    const items = lines().map(({ productId, quantity }) => ({ productId, quantity }));
    run({
      items: items.map((item) => ({ $typeName: "shopmesh.order.v1.PlaceOrderItem", ...item })),
      shippingAddress: { $typeName: "shopmesh.order.v1.Address", ...addressDraft() },
      expectedTotal: moneyOf(total()),
    });
  };

  return (
    <Page title="Checkout" class="wide">
      <Show
        when={lines().length > 0 || busy() || isOpen(owner)}
        fallback={
          <Empty title="Your cart is empty">
            <p>Put something in, then come back.</p>
            <a href="/" class="button">
              See all products
            </a>
          </Empty>
        }
      >
        <form
          ref={form}
          class="checkout"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            placeOrder();
          }}
        >
          <Address error={(field) => badFieldsOf(refusal())[`shipping_address.${field}`]} />
          <div class="place">
            <Review changes={changes()} onAccept={() => setOutcome(undefined)} />
            <Told outcome={outcome()} changes={changes()} ask={() => run()} />
            <button type="submit" aria-disabled={busy()}>
              Place order
            </button>
            <p class="hint" aria-live="polite">
              <Show
                when={busy()}
                fallback="You will find the order under your account, and a mail in your inbox."
              >
                {online()
                  ? "Placing your order… It is safe to wait, to reload or to come back later."
                  : "You are offline. We ask again as soon as there is a connection."}
              </Show>
            </p>
          </div>
        </form>
      </Show>
    </Page>
  );
}

const total = () => sum(lines().map(({ price, quantity }) => times(price, quantity)));

function Address(props: { error: (field: string) => string | undefined }) {
  return (
    <fieldset class="panel address">
      <legend>Where it goes</legend>
      <Field
        label="Full name"
        autocomplete="shipping name"
        value={addressDraft().fullName}
        onInput={(fullName) => changeAddress({ fullName })}
        error={props.error("full_name")}
        class="full"
      />
      <Field
        label="Street"
        autocomplete="shipping street-address"
        value={addressDraft().street}
        onInput={(street) => changeAddress({ street })}
        error={props.error("street")}
        class="full"
      />
      <Field
        label="Postal code"
        autocomplete="shipping postal-code"
        value={addressDraft().postalCode}
        onInput={(postalCode) => changeAddress({ postalCode })}
        error={props.error("postal_code")}
      />
      <Field
        label="City"
        autocomplete="shipping address-level2"
        value={addressDraft().city}
        onInput={(city) => changeAddress({ city })}
        error={props.error("city")}
      />
      <Select
        label="Country"
        autocomplete="shipping country"
        value={addressDraft().countryCode}
        onInput={(countryCode) => changeAddress({ countryCode })}
        options={countries()}
        error={props.error("country_code")}
        class="full"
      />
    </fieldset>
  );
}

function Review(props: { changes: Change[]; onAccept: () => void }) {
  return (
    <section class="panel" aria-labelledby="review">
      <h2 id="review">What you buy</h2>
      <Changes changes={props.changes} onAccept={props.onAccept} />
      <ul class="bill-lines">
        <For each={lines()}>
          {(line) => (
            <li>
              <Picture url={line.imageUrl} class="small" />
              <span>
                {line.name}{" "}
                <span class="muted nowrap">
                  {line.quantity} × {written(line.price)}
                </span>
              </span>
              <span class="price">{written(times(line.price, line.quantity))}</span>
            </li>
          )}
        </For>
      </ul>
      <p class="total">
        <span>Total</span>
        <strong class="price">{written(total())}</strong>
      </p>
      <p>
        <a href="/cart">Change the cart</a>
      </p>
    </section>
  );
}

/** Reasons that the list of changes says better. */
const SAID_BY_CHANGES = ["OUT_OF_STOCK", "PRICE_CHANGED", "PRODUCT_NOT_FOUND"];

function Told(props: { outcome: Outcome | undefined; changes: Change[]; ask: () => void }) {
  const refused = () => {
    const outcome = props.outcome;
    if (outcome?.kind !== "refused") return undefined;
    const said = props.changes.length > 0 && SAID_BY_CHANGES.includes(reasonOf(outcome.error));
    const beside = Object.keys(badFieldsOf(outcome.error)).some((field) =>
      field.startsWith("shipping_address."),
    );
    return said || beside ? undefined : outcome.error;
  };
  return (
    <Switch>
      <Match when={refused()}>
        {(error) => (
          <Alert>
            <p>Nothing was bought. {wordsFor(error())}</p>
          </Alert>
        )}
      </Match>
      <Match when={props.outcome?.kind === "abandoned"}>
        <Alert>
          <p>Your last try did not become an order, and nothing was bought. You can try again.</p>
        </Alert>
      </Match>
      <Match when={props.outcome?.kind === "open"}>
        <Alert>
          <p>
            The shop did not answer, so we do not know yet whether you have bought this. Asking
            again is safe: it will never be bought twice.
          </p>
          <button type="button" class="quiet" onClick={() => props.ask()}>
            Ask again
          </button>
        </Alert>
      </Match>
    </Switch>
  );
}

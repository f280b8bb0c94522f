// The cart: its line items, what has changed since they were added, and the way to the checkout.
import { For, Show } from "solid-js";
import {
  cartTotal,
  type LineItem,
  lineItems,
  quantityOf,
  removeFromCart,
  setQuantity,
} from "../shop/cart";
import { cartChanges, createCurrentProducts } from "../shop/cart-changes";
import { CartChangesAlert } from "../shop/cart-changes-alert";
import { Quantity } from "../ui/field";
import { ALL_PRODUCTS } from "../ui/link";
import { Page } from "../ui/page";
import { Picture } from "../ui/picture";
import { Empty, LoadError } from "../ui/states";
import { formatCount } from "../util/format";
import { formatAmount, multiply } from "../util/money";

export default function Cart() {
  const current = createCurrentProducts();
  return (
    <Page title="Cart" class="medium">
      <Show
        when={lineItems().length > 0}
        fallback={
          <Empty
            title="Your cart is empty"
            text="What you add stays here, even when you close the browser."
            link={ALL_PRODUCTS}
          />
        }
      >
        <Show when={current.error()}>
          <LoadError error={current.error()} retry={current.reload} />
        </Show>
        <CartChangesAlert changes={cartChanges(current.data, () => ({}))} />
        <ul class="rows">
          <For each={lineItems().map(({ productId }) => productId)}>
            {(id) => (
              <Show when={lineItems().find(({ productId }) => productId === id)}>
                {(item) => <Row item={item()} />}
              </Show>
            )}
          </For>
        </ul>
        <div class="cart-foot">
          <p class="total">
            <span>{formatCount(quantityOf(lineItems()), "item", "items")}</span>
            <strong class="price">{formatAmount(cartTotal())}</strong>
          </p>
          <a href="/checkout" class="button">
            Check out
          </a>
        </div>
      </Show>
    </Page>
  );
}

function Row(props: { item: LineItem }) {
  return (
    <li class="cart-row">
      <Picture url={props.item.imageUrl} class="small" />
      <div class="cart-name">
        <a href={`/products/${props.item.slug}`}>{props.item.name}</a>
        <span class="muted">{formatAmount(props.item.price)} each</span>
      </div>
      <Quantity
        label={`Quantity of ${props.item.name}`}
        labelHidden
        value={props.item.quantity}
        onChange={(quantity) => setQuantity(props.item.productId, quantity)}
      />
      <span class="price">{formatAmount(multiply(props.item.price, props.item.quantity))}</span>
      <button
        type="button"
        class="icon"
        aria-label={`Remove ${props.item.name}`}
        onClick={() => removeFromCart(props.item.productId)}
      >
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M5 5l10 10M15 5L5 15" />
        </svg>
      </button>
    </li>
  );
}

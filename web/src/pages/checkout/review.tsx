// The review: line items, total, and what has changed since the products were added to the cart.
import { For } from "solid-js";
import { cartTotal, lineItems } from "../../shop/cart";
import type { CartChange } from "../../shop/cart-changes";
import { CartChangesAlert } from "../../shop/cart-changes-alert";
import { Picture } from "../../ui/picture";
import { formatAmount, multiply } from "../../util/money";

export function Review(props: { changes: CartChange[]; onAccept: () => void }) {
  return (
    <section class="panel" aria-labelledby="review">
      <h2 id="review">Your order</h2>
      <CartChangesAlert changes={props.changes} onAccept={props.onAccept} />
      <ul class="review-items">
        <For each={lineItems()}>
          {(item) => (
            <li>
              <Picture url={item.imageUrl} class="small" />
              <span>
                {item.name}{" "}
                <span class="muted nowrap">
                  {item.quantity} × {formatAmount(item.price)}
                </span>
              </span>
              <span class="price">{formatAmount(multiply(item.price, item.quantity))}</span>
            </li>
          )}
        </For>
      </ul>
      <p class="total">
        <span>Total</span>
        <strong class="price">{formatAmount(cartTotal())}</strong>
      </p>
      <p>
        <a href="/cart">Change the cart</a>
      </p>
    </section>
  );
}

// What the person means to buy.
import { For, Show } from "solid-js";
import { countOf, type Line, lines, remove, setQuantity } from "../shop/cart";
import { changesOf, createShop } from "../shop/cart-changes";
import { Changes } from "../shop/cart-changes-alert";
import { Quantity } from "../ui/field";
import { count } from "../ui/labels";
import { Page } from "../ui/page";
import { Picture } from "../ui/picture";
import { Empty, Trouble } from "../ui/states";
import { sum, times, written } from "../util/money";

export default function Cart() {
  const shop = createShop();
  const changes = () => changesOf(shop.data, () => ({}));
  const total = () => sum(lines().map(({ price, quantity }) => times(price, quantity)));
  return (
    <Page title="Cart" class="medium">
      <Show
        when={lines().length > 0}
        fallback={
          <Empty title="Your cart is empty">
            <p>What you put in stays here, also when you close the browser.</p>
            <a href="/" class="button">
              See all products
            </a>
          </Empty>
        }
      >
        <Show when={shop.error()}>
          <Trouble error={shop.error()} again={shop.again} />
        </Show>
        <Changes changes={changes()} />
        <ul class="rows">
          <For each={lines().map(({ productId }) => productId)}>
            {(productId) => (
              <Show when={lines().find((line) => line.productId === productId)}>
                {(line) => <Row line={line()} />}
              </Show>
            )}
          </For>
        </ul>
        <div class="cart-foot">
          <p class="total">
            <span>{count(countOf(lines()), "item", "items")}</span>
            <strong class="price">{written(total())}</strong>
          </p>
          <a href="/checkout" class="button">
            Check out
          </a>
        </div>
      </Show>
    </Page>
  );
}

function Row(props: { line: Line }) {
  return (
    <li class="cart-row">
      <Picture url={props.line.imageUrl} class="small" />
      <div class="cart-name">
        <a href={`/products/${props.line.slug}`}>{props.line.name}</a>
        <span class="muted">{written(props.line.price)} each</span>
      </div>
      <Quantity
        label={`Quantity of ${props.line.name}`}
        labelHidden
        value={props.line.quantity}
        onChange={(quantity) => setQuantity(props.line.productId, quantity)}
      />
      <span class="price">{written(times(props.line.price, props.line.quantity))}</span>
      <button
        type="button"
        class="icon"
        aria-label={`Remove ${props.line.name}`}
        onClick={() => remove(props.line.productId)}
      >
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M5 5l10 10M15 5L5 15" />
        </svg>
      </button>
    </li>
  );
}

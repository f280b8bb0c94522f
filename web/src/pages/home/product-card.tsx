// A product in the grid of the storefront.
import { For } from "solid-js";
import type { ProductSummary } from "../../shop/product-summary";
import { StockBadge } from "../../ui/badges";
import { categoryLabel } from "../../ui/labels";
import { Picture } from "../../ui/picture";
import { amountOf, formatAmount } from "../../util/money";

export function ProductCard(props: { product: ProductSummary; eager: boolean }) {
  return (
    <li class="card">
      <Picture url={props.product.imageUrl} eager={props.eager} />
      <div class="card-text">
        <a href={`/products/${props.product.slug}`} class="card-name">
          {props.product.name}
        </a>
        <p class="muted">{categoryLabel(props.product.category)}</p>
        <p class="card-foot">
          <span class="price">{formatAmount(amountOf(props.product.price))}</span>
          <StockBadge state={props.product.stockState} />
        </p>
      </div>
    </li>
  );
}

export function ProductGridSkeleton() {
  return (
    <ul class="grid" aria-hidden="true">
      <For each={Array(8).fill(0)}>
        {() => (
          <li class="card skeleton">
            <span class="picture" />
            <div class="card-text">
              <span class="bar" />
              <span class="bar short" />
            </div>
          </li>
        )}
      </For>
    </ul>
  );
}

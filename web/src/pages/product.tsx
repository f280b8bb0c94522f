// One product: its picture, price, stock and description, and the form that adds it to the cart.
import { createSignal, Show } from "solid-js";
import { isNotFound } from "../rpc/errors";
import { createLoad, type Load } from "../rpc/load";
import { products } from "../rpc/products";
import { createSubscription } from "../rpc/subscription";
import { addToCart, clampQuantity, LINE_ITEMS_MAX } from "../shop/cart";
import type { ProductSummary } from "../shop/product-summary";
import { StockBadge } from "../ui/badges";
import { Quantity } from "../ui/field";
import { categoryLabel, isInStock } from "../ui/labels";
import { ALL_PRODUCTS } from "../ui/link";
import { NotFoundPage, Page } from "../ui/page";
import { Picture } from "../ui/picture";
import { Alert, Loaded } from "../ui/states";
import { amountOf, formatAmount } from "../util/money";

/** Null: there is no such product. */
type ProductLoad = Load<ProductSummary | null>;

export function Product(props: { slug: string }) {
  const load: ProductLoad = createLoad((signal) => fetchProduct(props.slug, signal));
  return (
    <Show
      when={load.data() !== null}
      fallback={
        <NotFoundPage
          title="Product not found"
          text="This product is no longer available, or the link is wrong."
          link={ALL_PRODUCTS}
          class="narrow"
        />
      }
    >
      <Page
        title={load.data()?.name ?? "Product"}
        class="wide"
        ownHeading={load.data() !== undefined || load.loading()}
      >
        <p class="back">
          <a href="/">All products</a>
        </p>
        <Loaded load={load} skeleton={<Skeleton />}>
          {(product) => <Details product={product()} load={load} />}
        </Loaded>
      </Page>
    </Show>
  );
}

async function fetchProduct(slug: string, signal: AbortSignal): Promise<ProductSummary | null> {
  try {
    const response = await products.getProduct({ key: { case: "slug", value: slug } }, { signal });
    return response.product ?? null;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** Keeps the stock state up to date while the page is open. */
function watchStock(product: () => ProductSummary, load: ProductLoad): void {
  createSubscription({
    open: async (signal) => {
      const { productId } = product();
      return products.watchStock({ productIds: [productId] }, { signal, timeoutMs: 0 });
    },
    onUpdate({ products: [stock], missingProductIds }) {
      if (stock) load.setData({ ...product(), stockState: stock.stockState });
      if (missingProductIds.length > 0) load.setData(null);
    },
    reload: load.reload,
  });
}

function Details(props: { product: ProductSummary; load: ProductLoad }) {
  watchStock(() => props.product, props.load);
  return (
    <article class="details">
      <Picture url={props.product.imageUrl} eager />
      <div class="details-text">
        <p class="muted">{categoryLabel(props.product.category)}</p>
        <h1>{props.product.name}</h1>
        <p class="details-price">
          <span class="price">{formatAmount(amountOf(props.product.price))}</span>
          <span role="status">
            <StockBadge state={props.product.stockState} />
          </span>
        </p>
        <AddToCart product={props.product} />
        <p class="description">{props.product.description}</p>
        <p class="muted">SKU {props.product.sku}</p>
      </div>
    </article>
  );
}

function AddToCart(props: { product: ProductSummary }) {
  const [quantity, setQuantity] = createSignal(1);
  const [result, setResult] = createSignal<"added" | "cart full">();
  const soldOut = () => !isInStock(props.product.stockState);
  return (
    <>
      <form
        class="buy"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (soldOut()) return;
          setResult(addToCart(props.product, quantity()) ? "added" : "cart full");
        }}
      >
        <Quantity
          label="Quantity"
          value={quantity()}
          onChange={(value) => setQuantity(clampQuantity(value))}
        />
        <button type="submit" disabled={soldOut()}>
          Add to cart
        </button>
      </form>
      <Show when={soldOut()}>
        <p class="muted">This product is sold out. Please check again in a few days.</p>
      </Show>
      <p class="message" aria-live="polite">
        <Show when={result() === "added"}>
          Added to your cart. <a href="/cart">View the cart</a>
        </Show>
      </p>
      <Show when={result() === "cart full"}>
        <Alert>
          <p>A cart holds at most {LINE_ITEMS_MAX} different products. Remove one first.</p>
        </Alert>
      </Show>
    </>
  );
}

function Skeleton() {
  return (
    <div class="details skeleton" aria-hidden="true">
      <span class="picture" />
      <div class="details-text">
        <span class="bar" />
        <span class="bar short" />
      </div>
    </div>
  );
}

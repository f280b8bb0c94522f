// One product: what it is, what it costs, whether it can be had, and into the cart with it.
import { createSignal, Match, Show, Switch, untrack } from "solid-js";
import { moved } from "../router";
import { firstProduct, type Shown } from "../rpc/first";
import { createLoad, type Load } from "../rpc/load";
import { createLive } from "../rpc/subscription";
import { add, clampQuantity, LINES_MAX } from "../shop/cart";
import { StockBadge } from "../ui/badges";
import { Quantity } from "../ui/field";
import { canBeBought, categoryWords } from "../ui/labels";
import { Page } from "../ui/page";
import { Picture } from "../ui/picture";
import { Alert, Loaded } from "../ui/states";
import { amountOf, written } from "../util/money";

export function Product(props: { slug: string }) {
  let first = untrack(moved) === "not";
  const load = createLoad(async (signal) => {
    const known = first ? await firstProduct(props.slug) : undefined;
    first = false;
    return known ?? ask(props.slug, signal);
  });
  const gone = () => load.data() === null;
  return (
    <Switch>
      <Match when={gone()}>
        <Page title="Product not found" class="narrow">
          <p>It is not for sale any more, or the link has a slip in it.</p>
          <p>
            <a href="/" class="button">
              See all products
            </a>
          </p>
        </Page>
      </Match>
      <Match when={!gone()}>
        <Page
          title={load.data()?.name ?? "Product"}
          class="wide"
          ownHeading={load.data() !== undefined || load.loading()}
        >
          <p class="back">
            <a href="/">All products</a>
          </p>
          <Loaded of={load} skeleton={<Skeleton />}>
            {(product) => <Details product={product()} load={load} />}
          </Loaded>
        </Page>
      </Match>
    </Switch>
  );
}

/** Null where there is no such product. */
async function ask(slug: string, signal: AbortSignal): Promise<Shown | null> {
  const { products } = await import("../rpc/products");
  try {
    const answer = await products.getProduct({ key: { case: "slug", value: slug } }, { signal });
    return answer.product ?? null;
  } catch (error) {
    const { reasonOf } = await import("../rpc/errors");
    if (["PRODUCT_NOT_FOUND", "VALIDATION_FAILED"].includes(reasonOf(error))) return null;
    throw error;
  }
}

function Details(props: { product: Shown; load: Load<Shown | null> }) {
  createLive({
    open: async (signal) => {
      const { products } = await import("../rpc/products");
      const { productId } = props.product;
      return products.watchStock({ productIds: [productId] }, { signal, timeoutMs: 0 });
    },
    take({ products, missingProductIds }) {
      const [stock] = products;
      if (stock) props.load.put({ ...props.product, stockState: stock.stockState });
      if (missingProductIds.length > 0) props.load.put(null);
    },
    ask: props.load.again,
  });
  const [quantity, setQuantity] = createSignal(1);
  const [added, setAdded] = createSignal<"no" | "yes" | "full">("no");
  const soldOut = () => !canBeBought(props.product.stockState);
  return (
    <article class="details">
      <Picture url={props.product.imageUrl} eager />
      <div class="details-text">
        <p class="muted">{categoryWords(props.product.category)}</p>
        <h1>{props.product.name}</h1>
        <p class="details-price">
          <span class="price">{written(amountOf(props.product.price))}</span>
          <span role="status">
            <StockBadge state={props.product.stockState} />
          </span>
        </p>
        <form
          class="buy"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (soldOut()) return;
            setAdded(add(props.product, quantity()) ? "yes" : "full");
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
          <p class="muted">It is sold out just now. Look in again in a few days.</p>
        </Show>
        <p class="told" aria-live="polite">
          <Show when={added() === "yes"}>
            It is in your cart. <a href="/cart">Look at the cart</a>
          </Show>
        </p>
        <Show when={added() === "full"}>
          <Alert>
            <p>A cart holds at most {LINES_MAX} different products. Take something out first.</p>
          </Alert>
        </Show>
        <p class="description">{props.product.description}</p>
        <p class="muted">Article {props.product.sku}</p>
      </div>
    </article>
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

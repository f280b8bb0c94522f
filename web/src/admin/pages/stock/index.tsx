// The stock of one product: its quantities, the forms that change them, and the ledger.
import { Show } from "solid-js";
import type { Inventory } from "../../../gen/shopmesh/product/v1/inventory_service_pb";
import { navigate } from "../../../router";
import { isNotFound } from "../../../rpc/errors";
import { createList, createLoad } from "../../../rpc/load";
import { products } from "../../../rpc/products";
import { StockBadge } from "../../../ui/badges";
import { BackLink } from "../../../ui/link";
import { LoadMore } from "../../../ui/load-more";
import { NotFoundPage, Page } from "../../../ui/page";
import { Loaded } from "../../../ui/states";
import { inventory } from "../../clients";
import { Figures } from "../../figures";
import { wholeNumber } from "../../labels";
import { RowsSkeleton } from "../../rows";
import { stockStateOf } from "../../stock-state";
import { Ledger } from "./ledger";
import { StockForm } from "./stock-form";
import { ThresholdForm } from "./threshold-form";

export function Stock(props: { productId: string }) {
  const key = { productId: props.productId };
  const load = createLoad(
    async (signal) => (await inventory.getInventory(key, { signal })).inventory,
  );
  const product = createLoad(
    async (signal) => (await products.getAnyProduct(key, { signal })).product,
  );
  const ledger = createList(async (pageToken, signal) => {
    const request = { ...key, pageToken };
    const response = await inventory.listInventoryChanges(request, signal ? { signal } : {});
    return { items: response.changes, nextPageToken: response.nextPageToken };
  });
  const back = <BackLink to="/admin/inventory" text="All products" />;
  return (
    <Show
      when={!isNotFound(load.error())}
      fallback={
        <NotFoundPage title="Product not found" text="There is no such product." lead={back} />
      }
    >
      <Page title={load.data()?.productName ?? "Product"} lead={back}>
        <Loaded load={load} skeleton={<RowsSkeleton />}>
          {(stock) => (
            <>
              <ProductState stock={stock()} offSale={product.data()?.archived === true} />
              <Figures
                figures={[
                  ["On hand", wholeNumber.format(stock().onHand)],
                  ["Held", wholeNumber.format(stock().held)],
                  ["Available", wholeNumber.format(stock().available)],
                ]}
              />
              <div class="halves">
                <StockForm stock={stock()} load={load} onLedgerChange={ledger.reload} />
                <ThresholdForm stock={stock()} onChange={load.setData} />
              </div>
            </>
          )}
        </Loaded>
        <section aria-labelledby="history">
          <h2 id="history">Stock history</h2>
          <Loaded load={ledger} skeleton={<RowsSkeleton />}>
            {(page) => (
              <Show when={page().items.length > 0} fallback={<p class="muted">No changes yet.</p>}>
                <Ledger entries={page().items} />
                <LoadMore list={ledger} />
              </Show>
            )}
          </Loaded>
        </section>
      </Page>
    </Show>
  );
}

function ProductState(props: { stock: Inventory; offSale: boolean }) {
  return (
    <p class="order-state">
      <StockBadge state={stockStateOf(props.stock)} />
      <Show when={props.offSale}>
        <span class="badge">Off sale</span>
      </Show>
      <span class="muted">{props.stock.sku}</span>
      <a href={`/admin/products/${props.stock.productId}`}>Edit product</a>
      <button
        type="button"
        class="link"
        onClick={() => navigate(`/admin/orders?product=${encodeURIComponent(props.stock.sku)}`)}
      >
        Who bought it
      </button>
    </p>
  );
}

// The stock of all products.
import { For, Show } from "solid-js";
import type { Inventory as InventoryMessage } from "../../gen/shopmesh/product/v1/inventory_service_pb";
import { StockState } from "../../gen/shopmesh/product/v1/product_service_pb";
import { StockBadge } from "../../ui/badges";
import { createFilters, FilterCheck, FilterForm, FilterText } from "../../ui/filters";
import { timeWords } from "../../ui/labels";
import { Page } from "../../ui/page";
import { Empty, Loaded } from "../../ui/states";
import { inventory } from "../clients";
import { whole } from "../labels";
import { createPaged, Pager } from "../paged-list";
import { Rows } from "../rows";

export function Inventory() {
  const filters = createFilters();
  const list = createPaged(filters.search, async (pageToken, signal) => {
    const request = {
      pageToken,
      query: filters.get("q"),
      lowStockOnly: filters.get("low") !== "",
    };
    const answer = await inventory.listInventory(request, { signal });
    return { items: answer.inventories, next: answer.nextPageToken };
  });
  let top: HTMLTableElement | undefined;
  return (
    <Page title="Inventory" ownHeading>
      <div class="page-head">
        <h1>Inventory</h1>
        <span class="page-actions">
          <a href="/admin/products/import">Import catalogue</a>
          <a href="/admin/products/new" class="button">
            New product
          </a>
        </span>
      </div>
      <FilterForm filters={filters}>
        <FilterText filters={filters} label="Search products" name="q" type="search" class="grow" />
        <FilterCheck filters={filters} label="Low stock only" name="low" />
      </FilterForm>
      <Loaded of={list} skeleton={<Rows />}>
        {(page) => (
          <Show
            when={page().items.length > 0}
            fallback={
              <Empty title="Nothing fits that">
                <p>Try fewer words. Products taken off sale are found here too.</p>
              </Empty>
            }
          >
            <table
              ref={top}
              tabindex="-1"
              class="data"
              aria-label="Stock"
              aria-busy={list.loading()}
            >
              <thead>
                <tr>
                  <th scope="col">Product</th>
                  <th scope="col" class="number">
                    On hand
                  </th>
                  <th scope="col" class="number roomy">
                    Held
                  </th>
                  <th scope="col" class="number roomy">
                    Available
                  </th>
                  <th scope="col" class="roomy">
                    State
                  </th>
                  <th scope="col" class="roomy">
                    Changed
                  </th>
                </tr>
              </thead>
              <tbody>
                <For each={page().items}>{(item) => <Row item={item} />}</For>
              </tbody>
            </table>
            <Pager of={list} top={() => top} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

function Row(props: { item: InventoryMessage }) {
  return (
    <tr>
      <th scope="row">
        <a href={`/admin/inventory/${props.item.productId}`}>{props.item.productName}</a>
        <span class="muted">{props.item.sku}</span>
      </th>
      <td class="number">
        {whole.format(props.item.onHand)}
        <span class="tight">
          <StockBadge state={stockState(props.item)} />
        </span>
      </td>
      <td class="number roomy">{whole.format(props.item.held)}</td>
      <td class="number roomy">{whole.format(props.item.available)}</td>
      <td class="roomy">
        <StockBadge state={stockState(props.item)} />
      </td>
      <td class="roomy muted">{timeWords(props.item.updateTime)}</td>
    </tr>
  );
}

/** As the contract makes it of the numbers. */
export function stockState({ available, lowStockThreshold }: InventoryMessage): StockState {
  if (available <= 0) return StockState.OUT_OF_STOCK;
  return available <= lowStockThreshold ? StockState.LOW_STOCK : StockState.IN_STOCK;
}

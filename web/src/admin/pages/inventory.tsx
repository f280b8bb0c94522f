// The stock of all products.
import { For, Show } from "solid-js";
import type { Inventory as InventoryMessage } from "../../gen/shopmesh/product/v1/inventory_service_pb";
import { StockBadge } from "../../ui/badges";
import { createFilters, FilterCheck, FilterForm, FilterText } from "../../ui/filters";
import { Page } from "../../ui/page";
import { Empty, Loaded } from "../../ui/states";
import { formatTime } from "../../util/format";
import { inventory } from "../clients";
import { wholeNumber } from "../labels";
import { createPagedList, Pager } from "../paged-list";
import { RowsSkeleton, TableHead } from "../rows";
import { stockStateOf } from "../stock-state";

const COLUMNS = [
  { heading: "Product" },
  { heading: "On hand", class: "number" },
  { heading: "Held", class: "number roomy" },
  { heading: "Available", class: "number roomy" },
  { heading: "State", class: "roomy" },
  { heading: "Changed", class: "roomy" },
];

export function Inventory() {
  const filters = createFilters();
  const list = createPagedList(filters.search, async (pageToken, signal) => {
    const request = {
      pageToken,
      query: filters.get("q"),
      lowStockOnly: filters.get("low") !== "",
    };
    const response = await inventory.listInventory(request, { signal });
    return { items: response.inventories, nextPageToken: response.nextPageToken };
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
      <FilterForm filters={filters} class="admin-filters">
        <FilterText filters={filters} label="Search products" name="q" type="search" class="grow" />
        <FilterCheck filters={filters} label="Low stock only" name="low" />
      </FilterForm>
      <Loaded load={list} skeleton={<RowsSkeleton />}>
        {(page) => (
          <Show when={page().items.length > 0} fallback={<NoProducts />}>
            <table
              ref={top}
              tabindex="-1"
              class="data"
              aria-label="Stock"
              aria-busy={list.loading()}
            >
              <TableHead columns={COLUMNS} />
              <tbody>
                <For each={page().items}>{(item) => <Row item={item} />}</For>
              </tbody>
            </table>
            <Pager list={list} top={() => top} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

function NoProducts() {
  return (
    <Empty
      title="No products match"
      text="Try fewer words. Products that are off sale are listed here too."
    />
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
        {wholeNumber.format(props.item.onHand)}
        <span class="tight">
          <StockBadge state={stockStateOf(props.item)} />
        </span>
      </td>
      <td class="number roomy">{wholeNumber.format(props.item.held)}</td>
      <td class="number roomy">{wholeNumber.format(props.item.available)}</td>
      <td class="roomy">
        <StockBadge state={stockStateOf(props.item)} />
      </td>
      <td class="roomy muted">{formatTime(props.item.updateTime)}</td>
    </tr>
  );
}

// All orders of the shop.
import { createSignal, Show } from "solid-js";
import type { Inventory } from "../../../gen/shopmesh/product/v1/inventory_service_pb";
import { setSearch } from "../../../router";
import { hasInvalidFields, invalidFieldsOf } from "../../../rpc/errors";
import { createFilters, type Filters } from "../../../ui/filters";
import { Page } from "../../../ui/page";
import { Empty, Loaded } from "../../../ui/states";
import { orderAdmin } from "../../clients";
import { createPagedList, Pager } from "../../paged-list";
import { RowsSkeleton } from "../../rows";
import { ExportButton } from "./export-button";
import { OrderFilters, orderQuery } from "./filters";
import { OrderTable } from "./table";

export function Orders() {
  const filters = createFilters();
  const [product, setProduct] = createSignal<Inventory>();
  const list = createPagedList(filters.search, async (pageToken, signal) => {
    const { request, product } = await orderQuery(filters, signal);
    const response = await orderAdmin.listAllOrders({ ...request, pageToken }, { signal });
    setProduct(product);
    return { items: response.orders, nextPageToken: response.nextPageToken };
  });
  let top: HTMLTableElement | undefined;
  return (
    <Page title="Orders" ownHeading>
      <div class="page-head">
        <h1>Orders</h1>
        <ExportButton filters={filters} />
      </div>
      <OrderFilters filters={filters} errors={invalidFieldsOf(list.error())} />
      <Show when={product()}>
        {(product) => (
          <p class="muted">
            Only orders with{" "}
            <a href={`/admin/inventory/${product().productId}`}>{product().productName}</a>.
          </p>
        )}
      </Show>
      <Loaded load={list} skeleton={<RowsSkeleton />} ownError={hasInvalidFields(list.error())}>
        {(page) => (
          <Show when={page().items.length > 0} fallback={<NoOrders filters={filters} />}>
            <OrderTable
              ref={(table) => {
                top = table;
              }}
              orders={page().items}
              busy={list.loading()}
            />
            <Pager list={list} top={() => top} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

function NoOrders(props: { filters: Filters }) {
  return (
    <Show when={props.filters.search()} fallback={<Empty title="No orders yet" />}>
      <Empty title="No orders match">
        <button type="button" class="quiet" onClick={() => setSearch("")}>
          Clear the filters
        </button>
      </Empty>
    </Show>
  );
}

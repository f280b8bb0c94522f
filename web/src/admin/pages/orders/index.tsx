// All orders of the shop.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { createSignal, For, onCleanup, Show } from "solid-js";
import type { ListAllOrdersRequestSchema } from "../../../gen/shopmesh/order/v1/order_admin_service_pb";
import { type Order, OrderState } from "../../../gen/shopmesh/order/v1/order_service_pb";
import type { Inventory } from "../../../gen/shopmesh/product/v1/inventory_service_pb";
import { setSearch } from "../../../router";
import { BadFields, badFieldsOf } from "../../../rpc/errors";
import { ActionError, createAction } from "../../../ui/action";
import { OrderBadge } from "../../../ui/badges";
import {
  createFilters,
  FilterForm,
  FilterSelect,
  type Filters,
  FilterText,
} from "../../../ui/filters";
import { count, mailWords, shortNumber, timeWords } from "../../../ui/labels";
import { Page } from "../../../ui/page";
import { Empty, Loaded } from "../../../ui/states";
import { amountOf, moneyOf, written } from "../../../util/money";
import { parsed, shopCurrency } from "../../amount";
import { allOrders, inventory } from "../../clients";
import { daysAgo, endOf, startOf } from "../../days";
import { whole } from "../../labels";
import { createPaged, Pager } from "../../paged-list";
import { Rows } from "../../rows";

const STATES = [
  { value: "", text: "Any", states: [] },
  { value: "confirmed", text: "Confirmed", states: [OrderState.CONFIRMED] },
  { value: "shipped", text: "Shipped", states: [OrderState.SHIPPED] },
  { value: "cancelled", text: "Cancelled", states: [OrderState.CANCELLED] },
  {
    value: "counted",
    text: "All but cancelled",
    states: [OrderState.CONFIRMED, OrderState.SHIPPED],
  },
];
const ORDERS = [
  { value: "", text: "Newest first" },
  { value: "create_time", text: "Oldest first" },
  { value: "total desc", text: "Highest amount first" },
  { value: "total", text: "Lowest amount first" },
];

/** By then a browser has surely taken a file that it was given. */
const TAKEN_MS = 60_000;

type Request = MessageInitShape<typeof ListAllOrdersRequestSchema>;

/** What the filters ask for, and the product that one of them means. */
async function asked(filters: Filters, signal: AbortSignal) {
  const request: Request = {
    states: STATES.find(({ value }) => value === filters.get("state"))?.states ?? [],
    customerEmail: filters.get("email"),
    orderBy: ORDERS.find(({ value }) => value === filters.get("sort"))?.value ?? "",
  };
  const [from, to] = [startOf(filters.get("from")), endOf(filters.get("to"))];
  if (from) request.startTime = from;
  if (to) request.endTime = to;
  const [least, article] = [filters.get("least"), filters.get("product")];
  if (least) request.totalMin = moneyOf(await amount(least));
  const product = article ? await productOf(article, signal) : undefined;
  if (product) request.productId = product.productId;
  return { request, product };
}

export function Orders() {
  const filters = createFilters();
  const [product, setProduct] = createSignal<Inventory>();
  const list = createPaged(filters.search, async (pageToken, signal) => {
    const { request, product } = await asked(filters, signal);
    const answer = await allOrders.listAllOrders({ ...request, pageToken }, { signal });
    setProduct(product);
    return { items: answer.orders, next: answer.nextPageToken };
  });
  const bad = () => badFieldsOf(list.error());
  let top: HTMLTableElement | undefined;
  return (
    <Page title="Orders" ownHeading>
      <div class="page-head">
        <h1>Orders</h1>
        <Export filters={filters} />
      </div>
      <OrderFilters filters={filters} bad={bad()} />
      <Show when={product()}>
        {(product) => (
          <p class="muted">
            Only orders with{" "}
            <a href={`/admin/inventory/${product().productId}`}>{product().productName}</a>.
          </p>
        )}
      </Show>
      <Loaded of={list} skeleton={<Rows />} ownWords={Object.keys(bad()).length > 0}>
        {(page) => (
          <Show when={page().items.length > 0} fallback={<NoOrders filters={filters} />}>
            <OrderTable
              ref={(table) => {
                top = table;
              }}
              orders={page().items}
              busy={list.loading()}
            />
            <Pager of={list} top={() => top} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

function NoOrders(props: { filters: Filters }) {
  return (
    <Show when={props.filters.search()} fallback={<Empty title="No orders yet" />}>
      <Empty title="No orders fit that">
        <button type="button" class="quiet" onClick={() => setSearch("")}>
          Leave out the filters
        </button>
      </Empty>
    </Show>
  );
}

/** All that the filters find, as a file. Only a stream that came to its end is one. */
function Export(props: { filters: Filters }) {
  const [bytes, setBytes] = createSignal(0);
  const leaving = new AbortController();
  onCleanup(() => leaving.abort());
  const run = createAction(async () => {
    const { signal } = leaving;
    setBytes(0);
    const { request } = await asked(props.filters, signal);
    const parts: BlobPart[] = [];
    for await (const { csv } of allOrders.exportOrders(request, { signal, timeoutMs: 0 })) {
      parts.push(csv as BlobPart);
      setBytes(bytes() + csv.length);
    }
    save(new Blob(parts, { type: "text/csv" }), `orders-${daysAgo(0)}.csv`);
  });
  return (
    <>
      <span class="page-actions">
        <span class="muted" role="status">
          {run.busy() && `${whole.format(Math.ceil(bytes() / 1000))} kB so far`}
        </span>
        <button type="button" class="quiet" aria-disabled={run.busy()} onClick={() => run.run()}>
          Export CSV
        </button>
      </span>
      <ActionError of={run} />
    </>
  );
}

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), TAKEN_MS);
}

async function amount(text: string) {
  const amount = parsed(text, await shopCurrency());
  if (!amount) throw new BadFields({ total_min: "Write an amount such as 12.50." });
  return amount;
}

/** The product of this name or SKU, or the one that fits best. */
async function productOf(text: string, signal: AbortSignal): Promise<Inventory> {
  const { inventories } = await inventory.listInventory({ query: text }, { signal });
  const same = (other: string) => other.toLowerCase() === text.toLowerCase();
  const product =
    inventories.find(({ sku, productName }) => same(sku) || same(productName)) ?? inventories[0];
  if (!product) throw new BadFields({ product_id: "No product fits that." });
  return product;
}

function OrderFilters(props: { filters: Filters; bad: Record<string, string> }) {
  return (
    <FilterForm filters={props.filters}>
      <FilterSelect filters={props.filters} label="State" name="state" options={STATES} />
      <FilterText
        filters={props.filters}
        label="From"
        name="from"
        type="date"
        error={props.bad.start_time}
      />
      <FilterText
        filters={props.filters}
        label="To"
        name="to"
        type="date"
        error={props.bad.end_time}
      />
      <FilterText
        filters={props.filters}
        label="Customer email"
        name="email"
        type="email"
        error={props.bad.customer_email}
      />
      <FilterText
        filters={props.filters}
        label="Product or SKU"
        name="product"
        error={props.bad.product_id}
      />
      <FilterText
        filters={props.filters}
        label="Minimum amount"
        name="least"
        inputmode="decimal"
        error={props.bad.total_min}
      />
      <FilterSelect filters={props.filters} label="Sort" name="sort" options={ORDERS} />
    </FilterForm>
  );
}

function itemWords({ items }: Order): string {
  const [first] = items;
  if (!first) return "";
  const more = items.length - 1;
  return `${first.quantity} × ${first.name}${more > 0 ? ` and ${count(more, "other", "others")}` : ""}`;
}

export function OrderTable(props: {
  orders: Order[];
  busy: boolean;
  ref?: (table: HTMLTableElement) => void;
}) {
  return (
    <table ref={props.ref} tabindex="-1" class="data" aria-label="Orders" aria-busy={props.busy}>
      <thead>
        <tr>
          <th scope="col">Order</th>
          <th scope="col" class="roomy">
            Customer
          </th>
          <th scope="col" class="roomy">
            Products
          </th>
          <th scope="col" class="roomy">
            State
          </th>
          <th scope="col" class="roomy">
            Mail
          </th>
          <th scope="col" class="number">
            Total
          </th>
        </tr>
      </thead>
      <tbody>
        <For each={props.orders}>
          {(order) => (
            <tr>
              <th scope="row">
                <a href={`/admin/orders/${order.orderId}`}>{shortNumber(order.orderId)}</a>
                <span class="muted">{timeWords(order.createTime)}</span>
                <span class="muted tight">{order.customerEmail}</span>
              </th>
              <td class="roomy email">
                {order.customerEmail || <span class="muted">Internal system</span>}
              </td>
              <td class="roomy muted">{itemWords(order)}</td>
              <td class="roomy">
                <OrderBadge state={order.state} />
              </td>
              <td class="roomy muted nowrap">{mailWords(order.mailState)}</td>
              <td class="number">
                <span class="price">{written(amountOf(order.total))}</span>
                <span class="tight">
                  <OrderBadge state={order.state} />
                </span>
              </td>
            </tr>
          )}
        </For>
      </tbody>
    </table>
  );
}

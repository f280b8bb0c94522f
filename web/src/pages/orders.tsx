// The orders of the customer, newest first.
import { For, Show } from "solid-js";
import { createList } from "../rpc/load";
import { orders } from "../rpc/orders";
import { OrderBadge } from "../ui/badges";
import { shortOrderNumber } from "../ui/labels";
import { ALL_PRODUCTS } from "../ui/link";
import { LoadMore } from "../ui/load-more";
import { Page } from "../ui/page";
import { Empty, Loaded } from "../ui/states";
import { formatCount, formatTime } from "../util/format";
import { amountOf, formatAmount } from "../util/money";

export default function Orders() {
  const list = createList(async (pageToken, signal) => {
    const response = await orders.listOrders({ pageToken }, signal ? { signal } : {});
    return { items: response.orders, nextPageToken: response.nextPageToken };
  });
  return (
    <Page title="Your orders" class="medium">
      <Loaded load={list}>
        {(page) => (
          <Show
            when={page().items.length > 0}
            fallback={
              <Empty
                title="No orders yet"
                text="Your orders will be listed here."
                link={ALL_PRODUCTS}
              />
            }
          >
            <ul class="rows">
              <For each={page().items}>
                {(order) => (
                  <li class="order-row">
                    <a href={`/orders/${order.orderId}`}>Order {shortOrderNumber(order.orderId)}</a>
                    <span class="muted">{formatTime(order.createTime)}</span>
                    <span class="muted">
                      {formatCount(order.items.length, "product", "products")}
                    </span>
                    <OrderBadge state={order.state} />
                    <span class="price">{formatAmount(amountOf(order.total))}</span>
                  </li>
                )}
              </For>
            </ul>
            <LoadMore list={list} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

// The person's orders, newest first.
import { For, Show } from "solid-js";
import { createList } from "../rpc/load";
import { orders } from "../rpc/orders";
import { OrderBadge } from "../ui/badges";
import { count, shortNumber, timeWords } from "../ui/labels";
import { More } from "../ui/load-more";
import { Page } from "../ui/page";
import { Empty, Loaded } from "../ui/states";
import { amountOf, written } from "../util/money";

export default function Orders() {
  const list = createList(async (pageToken, signal) => {
    const answer = await orders.listOrders({ pageToken }, signal ? { signal } : {});
    return { items: answer.orders, next: answer.nextPageToken };
  });
  return (
    <Page title="Your orders" class="medium">
      <Loaded of={list}>
        {(page) => (
          <Show
            when={page().items.length > 0}
            fallback={
              <Empty title="No orders yet">
                <p>What you buy will stand here, with its history and its mail.</p>
                <a href="/" class="button">
                  See all products
                </a>
              </Empty>
            }
          >
            <ul class="rows">
              <For each={page().items}>
                {(order) => (
                  <li class="order-row">
                    <a href={`/orders/${order.orderId}`}>Order {shortNumber(order.orderId)}</a>
                    <span class="muted">{timeWords(order.createTime)}</span>
                    <span class="muted">{count(order.items.length, "product", "products")}</span>
                    <OrderBadge state={order.state} />
                    <span class="price">{written(amountOf(order.total))}</span>
                  </li>
                )}
              </For>
            </ul>
            <More list={list} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

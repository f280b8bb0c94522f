// One order: its state, its mail, what was bought and where it goes.
import { For, Match, Show, Switch } from "solid-js";
import {
  ActorRole,
  MailState,
  type Order as OrderMessage,
  OrderState,
} from "../gen/shopmesh/order/v1/order_service_pb";
import { reasonOf } from "../rpc/errors";
import { createLoad, type Load } from "../rpc/load";
import { orders } from "../rpc/orders";
import { createLive } from "../rpc/subscription";
import { Bill, PostalAddress } from "../shop/order-parts";
import { ActionError, createAction } from "../ui/action";
import { OrderBadge } from "../ui/badges";
import { mailWords, orderWords, shortNumber, timeWords } from "../ui/labels";
import { Page } from "../ui/page";
import { Loaded } from "../ui/states";

export default function Order(props: { orderId: string }) {
  const load = createLoad(
    async (signal) => (await orders.getOrder({ orderId: props.orderId }, { signal })).order,
  );
  const unknown = () => ["ORDER_NOT_FOUND", "VALIDATION_FAILED"].includes(reasonOf(load.error()));
  return (
    <Switch>
      <Match when={unknown()}>
        <Page title="Order not found" class="narrow">
          <p>There is no such order in your account.</p>
          <p>
            <a href="/orders" class="button">
              See your orders
            </a>
          </p>
        </Page>
      </Match>
      <Match when={!unknown()}>
        <Page title={`Order ${shortNumber(props.orderId)}`} class="medium">
          <Loaded of={load}>{(order) => <Details order={order()} load={load} />}</Loaded>
        </Page>
      </Match>
    </Switch>
  );
}

function Details(props: { order: OrderMessage; load: Load<OrderMessage | undefined> }) {
  createLive({
    open: async (signal) =>
      orders.watchOrder({ orderId: props.order.orderId }, { signal, timeoutMs: 0 }),
    take: ({ order }) => order && props.load.put(order),
    ask: props.load.again,
  });
  const cancel = createAction(async () => {
    try {
      const { order } = await orders.cancelOrder({ orderId: props.order.orderId });
      props.load.put(order);
    } catch (error) {
      props.load.again();
      throw error;
    }
  });
  return (
    <>
      <p class="order-state">
        <OrderBadge state={props.order.state} />
        <Show when={mailWords(props.order.mailState)}>
          {(words) => (
            <span class="badge" role="status">
              {words()}
            </span>
          )}
        </Show>
        <span class="muted">{timeWords(props.order.createTime)}</span>
      </p>
      <MailLine order={props.order} />
      <section class="panel" aria-labelledby="bought">
        <h2 id="bought">What you bought</h2>
        <Bill order={props.order} name={(item) => item.name} />
      </section>
      <div class="halves">
        <section class="panel" aria-labelledby="goes-to">
          <h2 id="goes-to">Where it goes</h2>
          <Show when={props.order.shippingAddress}>
            {(address) => <PostalAddress of={address()} />}
          </Show>
        </section>
        <section class="panel" aria-labelledby="history">
          <h2 id="history">History</h2>
          <ol class="history">
            <For each={props.order.history}>
              {(entry) => (
                <li>
                  {orderWords(entry.state)}
                  <span class="muted">
                    {timeWords(entry.time)}
                    {entry.actorRole === ActorRole.ADMIN ? ", by the shop" : ", by you"}
                  </span>
                </li>
              )}
            </For>
          </ol>
        </section>
      </div>
      <ActionError of={cancel} />
      <Show when={props.order.state === OrderState.CONFIRMED}>
        <div class="row">
          <button type="button" class="danger" aria-disabled={cancel.busy()} onClick={cancel.run}>
            Cancel order
          </button>
          <p class="hint">Only before it is shipped, and for good.</p>
        </div>
      </Show>
    </>
  );
}

function MailLine(props: { order: OrderMessage }) {
  return (
    <Switch>
      <Match when={props.order.mailState === MailState.SENT}>
        <p>A confirmation went to {props.order.customerEmail}.</p>
      </Match>
      <Match when={props.order.mailState === MailState.PENDING}>
        <p>A confirmation will reach {props.order.customerEmail} in a moment.</p>
      </Match>
      <Match when={props.order.mailState === MailState.FAILED}>
        <p>The confirmation could not reach {props.order.customerEmail}. Your order stands.</p>
      </Match>
    </Switch>
  );
}

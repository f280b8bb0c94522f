// One order of the customer: its state, its mail, what was bought and where it is sent.
import { Match, Show, Switch } from "solid-js";
import {
  ActorRole,
  MailState,
  type Order as OrderMessage,
  OrderState,
} from "../gen/shopmesh/order/v1/order_service_pb";
import { isNotFound } from "../rpc/errors";
import { createLoad, type Load } from "../rpc/load";
import { orders } from "../rpc/orders";
import { createSubscription } from "../rpc/subscription";
import { LineItems, OrderHistory, PostalAddress } from "../shop/order-parts";
import { ActionError, createAction } from "../ui/action";
import { OrderBadge } from "../ui/badges";
import { mailLabel, shortOrderNumber } from "../ui/labels";
import { NotFoundPage, Page } from "../ui/page";
import { Loaded } from "../ui/states";
import { formatTime } from "../util/format";

type OrderLoad = Load<OrderMessage | undefined>;

export default function Order(props: { orderId: string }) {
  const load: OrderLoad = createLoad(
    async (signal) => (await orders.getOrder({ orderId: props.orderId }, { signal })).order,
  );
  return (
    <Show
      when={!isNotFound(load.error())}
      fallback={
        <NotFoundPage
          title="Order not found"
          text="There is no such order in your account."
          link={{ to: "/orders", text: "See your orders" }}
          class="narrow"
        />
      }
    >
      <Page title={`Order ${shortOrderNumber(props.orderId)}`} class="medium">
        <Loaded load={load}>{(order) => <Details order={order()} load={load} />}</Loaded>
      </Page>
    </Show>
  );
}

function Details(props: { order: OrderMessage; load: OrderLoad }) {
  createSubscription({
    open: async (signal) =>
      orders.watchOrder({ orderId: props.order.orderId }, { signal, timeoutMs: 0 }),
    onUpdate: ({ order }) => order && props.load.setData(order),
    reload: props.load.reload,
  });
  return (
    <>
      <p class="order-state">
        <OrderBadge state={props.order.state} />
        <Show when={mailLabel(props.order.mailState)}>
          {(label) => (
            <span class="badge" role="status">
              {label()}
            </span>
          )}
        </Show>
        <span class="muted">{formatTime(props.order.createTime)}</span>
      </p>
      <MailMessage order={props.order} />
      <section class="panel" aria-labelledby="items">
        <h2 id="items">What you bought</h2>
        <LineItems order={props.order} name={(item) => item.name} />
      </section>
      <div class="halves">
        <section class="panel" aria-labelledby="address">
          <h2 id="address">Shipping address</h2>
          <Show when={props.order.shippingAddress}>
            {(address) => <PostalAddress address={address()} />}
          </Show>
        </section>
        <section class="panel" aria-labelledby="history">
          <h2 id="history">History</h2>
          <OrderHistory
            order={props.order}
            actor={({ actorRole }) => (actorRole === ActorRole.ADMIN ? "by the shop" : "by you")}
          />
        </section>
      </div>
      <CancelOrder order={props.order} load={props.load} />
    </>
  );
}

function CancelOrder(props: { order: OrderMessage; load: OrderLoad }) {
  const cancel = createAction(async () => {
    try {
      const { order } = await orders.cancelOrder({ orderId: props.order.orderId });
      props.load.setData(order);
    } catch (error) {
      props.load.reload();
      throw error;
    }
  });
  return (
    <>
      <ActionError action={cancel} />
      <Show when={props.order.state === OrderState.CONFIRMED}>
        <div class="row">
          <button type="button" class="danger" aria-disabled={cancel.busy()} onClick={cancel.run}>
            Cancel order
          </button>
          <p class="hint">You can cancel until the order is shipped. This cannot be undone.</p>
        </div>
      </Show>
    </>
  );
}

function MailMessage(props: { order: OrderMessage }) {
  return (
    <Switch>
      <Match when={props.order.mailState === MailState.SENT}>
        <p>We sent a confirmation to {props.order.customerEmail}.</p>
      </Match>
      <Match when={props.order.mailState === MailState.PENDING}>
        <p>We are sending a confirmation to {props.order.customerEmail}.</p>
      </Match>
      <Match when={props.order.mailState === MailState.FAILED}>
        <p>
          The confirmation could not be delivered to {props.order.customerEmail}. Your order is
          still valid.
        </p>
      </Match>
    </Switch>
  );
}

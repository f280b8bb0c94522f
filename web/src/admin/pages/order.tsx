// One order, as an admin sees it: what was bought, its timeline and its mails.
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Show } from "solid-js";
import {
  type Notification,
  NotificationState,
} from "../../gen/shopmesh/notify/v1/notification_service_pb";
import {
  ActorRole,
  type OrderHistoryEntry,
  type Order as OrderMessage,
  OrderState,
} from "../../gen/shopmesh/order/v1/order_service_pb";
import { navigate } from "../../router";
import { isNotFound } from "../../rpc/errors";
import { createLoad, type Load } from "../../rpc/load";
import { userId } from "../../session/state";
import { LineItems, OrderHistory, PostalAddress } from "../../shop/order-parts";
import { ActionError, createAction } from "../../ui/action";
import { OrderBadge } from "../../ui/badges";
import { shortOrderNumber } from "../../ui/labels";
import { BackLink } from "../../ui/link";
import { NotFoundPage, Page } from "../../ui/page";
import { Loaded } from "../../ui/states";
import { formatTime } from "../../util/format";
import { notifications, orderAdmin } from "../clients";
import { MailList } from "../mail-list";
import { pollWhile } from "../poll-while";
import { RowsSkeleton } from "../rows";

/** The mail of a state transition is created within this time. */
const MAIL_DELAY_MAX_MS = 60_000;

type OrderLoad = Load<OrderMessage | undefined>;

export function Order(props: { orderId: string }) {
  const key = { orderId: props.orderId };
  const load: OrderLoad = createLoad(
    async (signal) => (await orderAdmin.getAnyOrder(key, { signal })).order,
  );
  const back = <BackLink to="/admin/orders" text="Back to the list" />;
  return (
    <Show
      when={!isNotFound(load.error())}
      fallback={<NotFoundPage title="Order not found" text="There is no such order." lead={back} />}
    >
      <Page title={`Order ${shortOrderNumber(props.orderId)}`} lead={back}>
        <Loaded load={load} skeleton={<RowsSkeleton />}>
          {(order) => <Details order={order()} load={load} />}
        </Loaded>
      </Page>
    </Show>
  );
}

function Details(props: { order: OrderMessage; load: OrderLoad }) {
  const mails = createMailLoad(() => props.order);
  return (
    <>
      <p class="order-state">
        <OrderBadge state={props.order.state} />
        <span class="muted">{formatTime(props.order.createTime)}</span>
        <Customer order={props.order} />
      </p>
      <Fulfilment order={props.order} load={props.load} onChange={mails.reload} />
      <div class="halves order-halves">
        <section class="panel" aria-labelledby="items">
          <h2 id="items">What was bought</h2>
          <LineItems
            order={props.order}
            name={(item) => <a href={`/admin/inventory/${item.productId}`}>{item.name}</a>}
          />
        </section>
        <section class="panel" aria-labelledby="timeline">
          <h2 id="timeline">Timeline</h2>
          <OrderHistory order={props.order} actor={actorLabel} />
          <Show when={props.order.shippingAddress}>
            {(address) => (
              <>
                <h3>Shipping address</h3>
                <PostalAddress address={address()} />
              </>
            )}
          </Show>
        </section>
      </div>
      <section aria-labelledby="mails">
        <h2 id="mails">Mails</h2>
        <Loaded load={mails}>
          {(list) => (
            <Show when={list().length > 0} fallback={<p class="muted">None yet.</p>}>
              <MailList mails={list()} ofOneOrder onChange={mails.reload} />
            </Show>
          )}
        </Loaded>
      </section>
    </>
  );
}

function Customer(props: { order: OrderMessage }) {
  return (
    <Show
      when={props.order.customerEmail}
      fallback={<span class="muted">Placed by an internal system</span>}
    >
      {(email) => (
        <button
          type="button"
          class="link"
          onClick={() => navigate(`/admin/orders?email=${encodeURIComponent(email())}`)}
        >
          {email()}
        </button>
      )}
    </Show>
  );
}

/** The buttons that ship or cancel a confirmed order. */
function Fulfilment(props: { order: OrderMessage; load: OrderLoad; onChange: () => void }) {
  const key = { orderId: props.order.orderId };
  const change = createAction(
    async (call: (request: typeof key) => Promise<{ order?: OrderMessage | undefined }>) => {
      try {
        props.load.setData((await call(key)).order);
        // The button that had the focus is gone.
        document.querySelector("main")?.focus({ preventScroll: true });
        props.onChange();
      } catch (error) {
        props.load.reload();
        throw error;
      }
    },
  );
  return (
    <>
      <Show when={props.order.state === OrderState.CONFIRMED}>
        <div class="row">
          <button
            type="button"
            aria-disabled={change.busy()}
            onClick={() => change.run(orderAdmin.shipOrder)}
          >
            Mark shipped
          </button>
          <button
            type="button"
            class="danger"
            aria-disabled={change.busy()}
            onClick={() => change.run(orderAdmin.cancelAnyOrder)}
          >
            Cancel order
          </button>
          <p class="hint">Neither can be undone, and we send the customer a mail.</p>
        </div>
      </Show>
      <ActionError action={change} />
    </>
  );
}

/** Loads the mails of an order, and polls while one is pending or not created yet. */
function createMailLoad(order: () => OrderMessage): Load<Notification[]> {
  const key = { orderId: order().orderId };
  const mails = createLoad(
    async (signal) => (await notifications.listNotifications(key, { signal })).notifications,
  );
  pollWhile(
    mails,
    (mails) =>
      mails.some(({ state }) => state === NotificationState.PENDING) ||
      (mails.length < order().history.length && changedRecently(order())),
  );
  return mails;
}

function changedRecently({ history }: OrderMessage): boolean {
  const last = history.at(-1)?.time;
  return last !== undefined && Date.now() - timestampMs(last) < MAIL_DELAY_MAX_MS;
}

function actorLabel({ actorId, actorRole }: OrderHistoryEntry): string {
  if (actorRole !== ActorRole.ADMIN) return "by the customer";
  return actorId === userId() ? "by you" : "by an admin";
}

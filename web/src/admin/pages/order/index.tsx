// One order: what was bought, how it came along, and its mails.
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { For, Match, Show, Switch } from "solid-js";
import { NotificationState } from "../../../gen/shopmesh/notify/v1/notification_service_pb";
import {
  ActorRole,
  type OrderHistoryEntry,
  type Order as OrderMessage,
  OrderState,
} from "../../../gen/shopmesh/order/v1/order_service_pb";
import { navigate } from "../../../router";
import { reasonOf } from "../../../rpc/errors";
import { createLoad } from "../../../rpc/load";
import { ownerId } from "../../../session/session";
import { Bill, PostalAddress } from "../../../shop/order-parts";
import { ActionError, createAction } from "../../../ui/action";
import { OrderBadge } from "../../../ui/badges";
import { orderWords, shortNumber, timeWords } from "../../../ui/labels";
import { Page } from "../../../ui/page";
import { Loaded } from "../../../ui/states";
import { allOrders, notifications } from "../../clients";
import { Mails } from "../../mail-list";
import { watchWhile } from "../../poll-while";
import { Rows } from "../../rows";

export function Order(props: { orderId: string }) {
  const key = { orderId: props.orderId };
  const load = createLoad(async (signal) => (await allOrders.getAnyOrder(key, { signal })).order);
  const unknown = () => ["ORDER_NOT_FOUND", "VALIDATION_FAILED"].includes(reasonOf(load.error()));
  const back = (
    <p class="back">
      <a href="/admin/orders">Back to the list</a>
    </p>
  );
  return (
    <Switch>
      <Match when={unknown()}>
        <Page title="Order not found" lead={back}>
          <p>There is no such order.</p>
        </Page>
      </Match>
      <Match when={!unknown()}>
        <Page title={`Order ${shortNumber(props.orderId)}`} lead={back}>
          <Loaded of={load} skeleton={<Rows />}>
            {(order) => <Details order={order()} put={load.put} again={load.again} />}
          </Loaded>
        </Page>
      </Match>
    </Switch>
  );
}

function Details(props: {
  order: OrderMessage;
  put: (order: OrderMessage | undefined) => void;
  again: () => void;
}) {
  const key = { orderId: props.order.orderId };
  const mails = createLoad(
    async (signal) => (await notifications.listNotifications(key, { signal })).notifications,
  );
  watchWhile(
    mails,
    (mails) =>
      mails.some(({ state }) => state === NotificationState.PENDING) ||
      (mails.length < props.order.history.length && isYoung(props.order)),
  );
  const change = createAction(
    async (call: (request: typeof key) => Promise<{ order?: OrderMessage | undefined }>) => {
      try {
        props.put((await call(key)).order);
        // The button is gone.
        document.querySelector("main")?.focus({ preventScroll: true });
        mails.again();
      } catch (error) {
        props.again();
        throw error;
      }
    },
  );
  return (
    <>
      <p class="order-state">
        <OrderBadge state={props.order.state} />
        <span class="muted">{timeWords(props.order.createTime)}</span>
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
      </p>
      <Show when={props.order.state === OrderState.CONFIRMED}>
        <div class="row">
          <button
            type="button"
            aria-disabled={change.busy()}
            onClick={() => change.run(allOrders.shipOrder)}
          >
            Mark shipped
          </button>
          <button
            type="button"
            class="danger"
            aria-disabled={change.busy()}
            onClick={() => change.run(allOrders.cancelAnyOrder)}
          >
            Cancel order
          </button>
          <p class="hint">Either is for good, and the customer is mailed.</p>
        </div>
      </Show>
      <ActionError of={change} />
      <div class="halves order-halves">
        <section class="panel" aria-labelledby="bought">
          <h2 id="bought">What was bought</h2>
          <Bill
            order={props.order}
            name={(item) => <a href={`/admin/inventory/${item.productId}`}>{item.name}</a>}
          />
        </section>
        <section class="panel" aria-labelledby="timeline">
          <h2 id="timeline">Timeline</h2>
          <ol class="history">
            <For each={props.order.history}>
              {(entry) => (
                <li>
                  {orderWords(entry.state)}
                  <span class="muted">
                    {timeWords(entry.time)}, {actorWords(entry)}
                  </span>
                </li>
              )}
            </For>
          </ol>
          <Show when={props.order.shippingAddress}>
            {(address) => (
              <>
                <h3>Goes to</h3>
                <PostalAddress of={address()} />
              </>
            )}
          </Show>
        </section>
      </div>
      <section aria-labelledby="mails">
        <h2 id="mails">Mails</h2>
        <Loaded of={mails}>
          {(list) => (
            <Show when={list().length > 0} fallback={<p class="muted">None yet.</p>}>
              <Mails mails={list()} ofOneOrder onChange={mails.again} />
            </Show>
          )}
        </Loaded>
      </section>
    </>
  );
}

/** The mail of its last state may not have been heard of yet. */
function isYoung({ history }: OrderMessage): boolean {
  const last = history.at(-1)?.time;
  return last !== undefined && Date.now() - timestampMs(last) < 60_000;
}

function actorWords({ actorId, actorRole }: OrderHistoryEntry): string {
  if (actorRole !== ActorRole.ADMIN) return "by the customer";
  return actorId === ownerId() ? "by you" : "by an admin";
}

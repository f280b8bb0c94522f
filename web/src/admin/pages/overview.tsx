// How the shop does, and what needs somebody.

import { durationMs } from "@bufbuild/protobuf/wkt";
import { For, type JSX, Show } from "solid-js";
import { NotificationState } from "../../gen/shopmesh/notify/v1/notification_service_pb";
import { StatisticsBucket } from "../../gen/shopmesh/order/v1/order_admin_service_pb";
import { OrderState } from "../../gen/shopmesh/order/v1/order_service_pb";
import { navigate } from "../../router";
import { createLoad } from "../../rpc/load";
import { StockBadge } from "../../ui/badges";
import { count, shortNumber, timeWords } from "../../ui/labels";
import { Page } from "../../ui/page";
import { Loaded } from "../../ui/states";
import { amountOf, written } from "../../util/money";
import { allOrders, inventory, notifications } from "../clients";
import { daysAgo } from "../days";
import { whole } from "../labels";
import { FigureChart, REVENUE } from "../metrics";
import { Rows } from "../rows";
import { statisticsOf } from "../statistics";
import { stockState } from "./inventory";

const SHOWN = 5;

export default function Overview() {
  return (
    <Page title="Overview">
      <div class="stack">
        <Sales />
        <div class="thirds">
          <ToShip />
          <RunningLow />
          <Mails />
        </div>
      </div>
    </Page>
  );
}

function Sales() {
  const bucket = StatisticsBucket.DAY;
  const load = createLoad((signal) =>
    statisticsOf({ from: daysAgo(29), to: daysAgo(0), bucket }, signal),
  );
  return (
    <Loaded of={load} skeleton={<Rows />}>
      {(answer) => {
        const day = () => answer().periods.at(-1)?.totals;
        const month = () => answer().totals;
        return (
          <>
            <dl class="figures">
              <div>
                <dt>Revenue since midnight</dt>
                <dd>{written(amountOf(day()?.revenue))}</dd>
              </div>
              <div>
                <dt>Orders since midnight</dt>
                <dd>{whole.format(day()?.orders ?? 0n)}</dd>
              </div>
              <div>
                <dt>Revenue in 30 days</dt>
                <dd>{written(amountOf(month()?.revenue))}</dd>
              </div>
              <div>
                <dt>Orders in 30 days</dt>
                <dd>{whole.format(month()?.orders ?? 0n)}</dd>
              </div>
            </dl>
            <FigureChart figure={REVENUE} of={answer()} bucket={bucket} />
          </>
        );
      }}
    </Loaded>
  );
}

/** Something that may need somebody, and the way to all of it. */
function Concern(props: { title: string; all: string; to: string; children: JSX.Element }) {
  const id = props.title.toLowerCase().replaceAll(" ", "-");
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>{props.title}</h2>
      {props.children}
      <p>
        <button type="button" class="link" onClick={() => navigate(props.to)}>
          {props.all}
        </button>
      </p>
    </section>
  );
}

function ToShip() {
  const load = createLoad(async (signal) => {
    const states = [OrderState.CONFIRMED];
    const request = { states, orderBy: "create_time", pageSize: SHOWN };
    return (await allOrders.listAllOrders(request, { signal })).orders;
  });
  return (
    <Concern
      title="To ship"
      all="See all that wait"
      to="/admin/orders?state=confirmed&sort=create_time"
    >
      <Loaded of={load}>
        {(orders) => (
          <Show when={orders().length > 0} fallback={<p class="muted">Everything is shipped.</p>}>
            <ul class="brief">
              <For each={orders()}>
                {(order) => (
                  <li>
                    <span>
                      <a href={`/admin/orders/${order.orderId}`}>{shortNumber(order.orderId)}</a>
                      <span class="muted below">{timeWords(order.createTime)}</span>
                    </span>
                    <span class="price">{written(amountOf(order.total))}</span>
                  </li>
                )}
              </For>
            </ul>
          </Show>
        )}
      </Loaded>
    </Concern>
  );
}

function RunningLow() {
  const load = createLoad(async (signal) => {
    const request = { lowStockOnly: true, pageSize: SHOWN };
    return (await inventory.listInventory(request, { signal })).inventories;
  });
  return (
    <Concern title="Running low" all="See all that are low" to="/admin/inventory?low=1">
      <Loaded of={load}>
        {(items) => (
          <Show when={items().length > 0} fallback={<p class="muted">There is enough of all.</p>}>
            <ul class="brief">
              <For each={items()}>
                {(item) => (
                  <li>
                    <span>
                      <a href={`/admin/inventory/${item.productId}`}>{item.productName}</a>
                      <span class="muted below">{whole.format(item.available)} available</span>
                    </span>
                    <StockBadge state={stockState(item)} />
                  </li>
                )}
              </For>
            </ul>
          </Show>
        )}
      </Loaded>
    </Concern>
  );
}

function Mails() {
  const load = createLoad(async (signal) => {
    const states = [NotificationState.FAILED];
    const [statistics, failed] = await Promise.all([
      notifications.getDeliveryStatistics({}, { signal }),
      notifications.listNotifications({ states, pageSize: SHOWN }, { signal }),
    ]);
    return { statistics, failed: failed.notifications };
  });
  return (
    <Concern title="Mails" all="See those that failed" to="/admin/notifications?state=failed">
      <Loaded of={load}>
        {(mails) => (
          <>
            <dl class="counts">
              <dt>Failed</dt>
              <dd>{whole.format(mails().statistics.failed)}</dd>
              <dt>On their way</dt>
              <dd>{whole.format(mails().statistics.pending)}</dd>
              <Show when={mails().statistics.oldestPendingAge}>
                {(age) => (
                  <>
                    <dt>The oldest of them waits</dt>
                    <dd>{ageWords(durationMs(age()))}</dd>
                  </>
                )}
              </Show>
              <dt>Sent</dt>
              <dd>{whole.format(mails().statistics.sent)}</dd>
            </dl>
            <ul class="brief">
              <For each={mails().failed}>
                {(mail) => (
                  <li>
                    <span>
                      {mail.subject}
                      <span class="muted below">{mail.recipient}</span>
                    </span>
                  </li>
                )}
              </For>
            </ul>
          </>
        )}
      </Loaded>
    </Concern>
  );
}

function ageWords(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return count(minutes, "minute", "minutes");
  return count(Math.floor(minutes / 60), "hour", "hours");
}

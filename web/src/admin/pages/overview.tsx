// How the shop is doing, and what needs attention.
import { durationMs } from "@bufbuild/protobuf/wkt";
import { For, type JSX, Show } from "solid-js";
import { NotificationState } from "../../gen/shopmesh/notify/v1/notification_service_pb";
import {
  type GetOrderStatisticsResponse,
  StatisticsBucket,
} from "../../gen/shopmesh/order/v1/order_admin_service_pb";
import { OrderState } from "../../gen/shopmesh/order/v1/order_service_pb";
import { navigate } from "../../router";
import { createLoad } from "../../rpc/load";
import { StockBadge } from "../../ui/badges";
import { shortOrderNumber } from "../../ui/labels";
import { Page } from "../../ui/page";
import { Loaded } from "../../ui/states";
import { formatCount, formatTime } from "../../util/format";
import { amountOf, formatAmount } from "../../util/money";
import { inventory, notifications, orderAdmin } from "../clients";
import { daysAgo } from "../days";
import { Figures } from "../figures";
import { wholeNumber } from "../labels";
import { MetricChart, REVENUE } from "../metrics";
import { RowsSkeleton } from "../rows";
import { fetchStatistics } from "../statistics";
import { stockStateOf } from "../stock-state";

/** The rows of each list. */
const ROWS_MAX = 5;
const BUCKET = StatisticsBucket.DAY;

export default function Overview() {
  return (
    <Page title="Overview">
      <div class="stack">
        <Sales />
        <div class="thirds">
          <ToShip />
          <LowStock />
          <Mails />
        </div>
      </div>
    </Page>
  );
}

function Sales() {
  const load = createLoad((signal) =>
    fetchStatistics({ from: daysAgo(29), to: daysAgo(0), bucket: BUCKET }, signal),
  );
  return (
    <Loaded load={load} skeleton={<RowsSkeleton />}>
      {(statistics) => (
        <>
          <SalesFigures statistics={statistics()} />
          <MetricChart metric={REVENUE} statistics={statistics()} bucket={BUCKET} />
        </>
      )}
    </Loaded>
  );
}

function SalesFigures(props: { statistics: GetOrderStatisticsResponse }) {
  const day = () => props.statistics.periods.at(-1)?.totals;
  const month = () => props.statistics.totals;
  return (
    <Figures
      figures={[
        ["Revenue since midnight", formatAmount(amountOf(day()?.revenue))],
        ["Orders since midnight", wholeNumber.format(day()?.orders ?? 0n)],
        ["Revenue in 30 days", formatAmount(amountOf(month()?.revenue))],
        ["Orders in 30 days", wholeNumber.format(month()?.orders ?? 0n)],
      ]}
    />
  );
}

/** A panel with a short list, and a button that opens the whole one. */
function Panel(props: { title: string; all: { to: string; text: string }; children: JSX.Element }) {
  const id = props.title.toLowerCase().replaceAll(" ", "-");
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>{props.title}</h2>
      {props.children}
      <p>
        <button type="button" class="link" onClick={() => navigate(props.all.to)}>
          {props.all.text}
        </button>
      </p>
    </section>
  );
}

interface BriefRow {
  title: JSX.Element;
  details: string;
  end?: JSX.Element;
}

function BriefList<T>(props: { items: T[]; empty?: string; row: (item: T) => BriefRow }) {
  return (
    <Show
      when={props.items.length > 0}
      fallback={props.empty && <p class="muted">{props.empty}</p>}
    >
      <ul class="brief">
        <For each={props.items}>
          {(item) => {
            const { title, details, end } = props.row(item);
            return (
              <li>
                <span>
                  {title}
                  <span class="muted below">{details}</span>
                </span>
                {end}
              </li>
            );
          }}
        </For>
      </ul>
    </Show>
  );
}

function ToShip() {
  const load = createLoad(async (signal) => {
    const states = [OrderState.CONFIRMED];
    const request = { states, orderBy: "create_time", pageSize: ROWS_MAX };
    return (await orderAdmin.listAllOrders(request, { signal })).orders;
  });
  const all = { to: "/admin/orders?state=confirmed&sort=create_time", text: "See all to ship" };
  return (
    <Panel title="To ship" all={all}>
      <Loaded load={load}>
        {(orders) => (
          <BriefList
            items={orders()}
            empty="Everything is shipped."
            row={({ orderId, createTime, total }) => ({
              title: <a href={`/admin/orders/${orderId}`}>{shortOrderNumber(orderId)}</a>,
              details: formatTime(createTime),
              end: <span class="price">{formatAmount(amountOf(total))}</span>,
            })}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function LowStock() {
  const load = createLoad(async (signal) => {
    const request = { lowStockOnly: true, pageSize: ROWS_MAX };
    return (await inventory.listInventory(request, { signal })).inventories;
  });
  const all = { to: "/admin/inventory?low=1", text: "See all with low stock" };
  return (
    <Panel title="Running low" all={all}>
      <Loaded load={load}>
        {(items) => (
          <BriefList
            items={items()}
            empty="No product is low."
            row={(item) => ({
              title: <a href={`/admin/inventory/${item.productId}`}>{item.productName}</a>,
              details: `${wholeNumber.format(item.available)} available`,
              end: <StockBadge state={stockStateOf(item)} />,
            })}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function Mails() {
  const load = createLoad(async (signal) => {
    const states = [NotificationState.FAILED];
    const [statistics, failed] = await Promise.all([
      notifications.getDeliveryStatistics({}, { signal }),
      notifications.listNotifications({ states, pageSize: ROWS_MAX }, { signal }),
    ]);
    return { statistics, failed: failed.notifications };
  });
  const all = { to: "/admin/notifications?state=failed", text: "See all that failed" };
  return (
    <Panel title="Mails" all={all}>
      <Loaded load={load}>
        {(mails) => (
          <>
            <dl class="counts">
              <dt>Failed</dt>
              <dd>{wholeNumber.format(mails().statistics.failed)}</dd>
              <dt>On their way</dt>
              <dd>{wholeNumber.format(mails().statistics.pending)}</dd>
              <Show when={mails().statistics.oldestPendingAge}>
                {(age) => (
                  <>
                    <dt>Oldest on its way for</dt>
                    <dd>{formatAge(durationMs(age()))}</dd>
                  </>
                )}
              </Show>
              <dt>Sent</dt>
              <dd>{wholeNumber.format(mails().statistics.sent)}</dd>
            </dl>
            <BriefList
              items={mails().failed}
              row={({ subject, recipient }) => ({ title: subject, details: recipient })}
            />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function formatAge(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return formatCount(minutes, "minute", "minutes");
  return formatCount(Math.floor(minutes / 60), "hour", "hours");
}

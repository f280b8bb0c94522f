// Revenue, orders and their average over time, and the top products.
import { For, Show } from "solid-js";
import {
  StatisticsBucket,
  type StatisticsTotals,
  type TopProduct,
} from "../../gen/shopmesh/order/v1/order_admin_service_pb";
import { navigate } from "../../router";
import { hasInvalidFields } from "../../rpc/errors";
import { createLoad } from "../../rpc/load";
import {
  createFilters,
  FilterForm,
  FilterSelect,
  type Filters,
  FilterText,
} from "../../ui/filters";
import { Page } from "../../ui/page";
import { Loaded } from "../../ui/states";
import { formatTime } from "../../util/format";
import { amountOf, formatAmount } from "../../util/money";
import { barValue } from "../amount";
import { daysAgo } from "../days";
import { Figures } from "../figures";
import { wholeNumber } from "../labels";
import { METRICS, MetricChart } from "../metrics";
import { RowsSkeleton, TableHead } from "../rows";
import { fetchStatistics } from "../statistics";

const BUCKETS = [
  { value: "hour", text: "Hour", bucket: StatisticsBucket.HOUR },
  { value: "day", text: "Day", bucket: StatisticsBucket.DAY },
  { value: "week", text: "Week", bucket: StatisticsBucket.WEEK },
  { value: "month", text: "Month", bucket: StatisticsBucket.MONTH },
];
const RANGES = [
  { text: "Last 24 hours", days: 1, bucket: "hour" },
  { text: "Last 7 days", days: 6, bucket: "day" },
  { text: "Last 30 days", days: 29, bucket: "day" },
  { text: "Last 12 months", days: 364, bucket: "month" },
];

export default function Analytics() {
  const filters = createFilters({ from: daysAgo(29), to: daysAgo(0), bucket: "day" });
  const range = () => ({ from: filters.get("from"), to: filters.get("to") });
  const bucket = () =>
    BUCKETS.find(({ value }) => value === filters.get("bucket"))?.bucket ?? StatisticsBucket.DAY;
  const load = createLoad((signal) => fetchStatistics({ ...range(), bucket: bucket() }, signal));
  const isInvalid = () => hasInvalidFields(load.error());
  // The list of the orders that the statistics count.
  const listPath = () => `/admin/orders?${new URLSearchParams({ state: "counted", ...range() })}`;
  return (
    <Page title="Analytics">
      <RangeFilters filters={filters} isInvalid={isInvalid()} />
      <Loaded load={load} skeleton={<RowsSkeleton />} ownError={isInvalid()}>
        {(statistics) => (
          <div class="stack" aria-busy={load.loading()}>
            <Show when={statistics().totals}>{(totals) => <Totals totals={totals()} />}</Show>
            <p class="muted">
              As of {formatTime(statistics().asOf)}, without cancelled orders.{" "}
              <button type="button" class="link" onClick={() => navigate(listPath())}>
                Show them in the list
              </button>
            </p>
            <For each={METRICS}>
              {(metric) => (
                <MetricChart metric={metric} statistics={statistics()} bucket={bucket()} />
              )}
            </For>
            <TopProducts products={statistics().topProducts} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function RangeFilters(props: { filters: Filters; isInvalid: boolean }) {
  const error = () => {
    if (!props.isInvalid) return undefined;
    return props.filters.get("to") < props.filters.get("from")
      ? "This is before the first day."
      : "This range is too long for such a short bucket.";
  };
  return (
    <FilterForm filters={props.filters} class="admin-filters">
      <FilterSelect filters={props.filters} label="Bucket" name="bucket" options={BUCKETS} />
      <FilterText filters={props.filters} label="From" name="from" type="date" />
      <FilterText filters={props.filters} label="To" name="to" type="date" error={error()} />
      <div class="ranges">
        <For each={RANGES}>
          {({ text, days, bucket }) => (
            <button
              type="button"
              class="quiet"
              onClick={() => props.filters.set({ from: daysAgo(days), to: daysAgo(0), bucket })}
            >
              {text}
            </button>
          )}
        </For>
      </div>
    </FilterForm>
  );
}

function Totals(props: { totals: StatisticsTotals }) {
  return (
    <Figures
      figures={[
        ["Revenue", formatAmount(amountOf(props.totals.revenue))],
        ["Orders", wholeNumber.format(props.totals.orders)],
        ["Items", wholeNumber.format(props.totals.items)],
        ["Average order", formatAmount(amountOf(props.totals.averageOrderValue))],
      ]}
    />
  );
}

const TOP_PRODUCT_COLUMNS = [
  { heading: "Product" },
  { heading: "Sold", class: "number" },
  { heading: "Revenue", class: "number" },
];

function TopProducts(props: { products: TopProduct[] }) {
  const revenueOf = ({ revenue }: TopProduct) => amountOf(revenue);
  const greatest = () =>
    Math.max(1, ...props.products.map((product) => barValue(revenueOf(product))));
  return (
    <section class="panel" aria-labelledby="top-products">
      <h2 id="top-products">Top products</h2>
      <Show when={props.products.length > 0} fallback={<p class="muted">Nothing was sold.</p>}>
        <table class="data" aria-label="Top products">
          <TableHead columns={TOP_PRODUCT_COLUMNS}>
            <td class="roomy share" />
          </TableHead>
          <tbody>
            <For each={props.products}>
              {(product) => (
                <tr>
                  <th scope="row">
                    <a href={`/admin/inventory/${product.productId}`}>{product.name}</a>
                  </th>
                  <td class="number">{wholeNumber.format(product.quantity)}</td>
                  <td class="number price">{formatAmount(revenueOf(product))}</td>
                  <td class="roomy share">
                    <ShareBar share={barValue(revenueOf(product)) / greatest()} />
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </Show>
    </section>
  );
}

function ShareBar(props: { share: number }) {
  return (
    <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bars" width={Math.max(0.5, props.share * 100)} height="10" />
    </svg>
  );
}

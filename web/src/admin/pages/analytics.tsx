// Revenue, orders and their average over time, and what sold best.
import { For, Show } from "solid-js";
import {
  StatisticsBucket,
  type StatisticsTotals,
  type TopProduct,
} from "../../gen/shopmesh/order/v1/order_admin_service_pb";
import { navigate } from "../../router";
import { badFieldsOf } from "../../rpc/errors";
import { createLoad } from "../../rpc/load";
import { createFilters, FilterForm, FilterSelect, FilterText } from "../../ui/filters";
import { timeWords } from "../../ui/labels";
import { Page } from "../../ui/page";
import { Loaded } from "../../ui/states";
import { amountOf, written } from "../../util/money";
import { drawn } from "../amount";
import { daysAgo } from "../days";
import { whole } from "../labels";
import { FIGURES, FigureChart } from "../metrics";
import { Rows } from "../rows";
import { statisticsOf } from "../statistics";

const BUCKETS = [
  { value: "hour", text: "Hour", bucket: StatisticsBucket.HOUR },
  { value: "day", text: "Day", bucket: StatisticsBucket.DAY },
  { value: "week", text: "Week", bucket: StatisticsBucket.WEEK },
  { value: "month", text: "Month", bucket: StatisticsBucket.MONTH },
];
const RANGES = [
  { words: "Last 24 hours", days: 1, bucket: "hour" },
  { words: "Last 7 days", days: 6, bucket: "day" },
  { words: "Last 30 days", days: 29, bucket: "day" },
  { words: "Last 12 months", days: 364, bucket: "month" },
];

export default function Analytics() {
  const filters = createFilters({ from: daysAgo(29), to: daysAgo(0), bucket: "day" });
  const bucket = () =>
    BUCKETS.find(({ value }) => value === filters.get("bucket"))?.bucket ?? StatisticsBucket.DAY;
  const load = createLoad((signal) =>
    statisticsOf({ from: filters.get("from"), to: filters.get("to"), bucket: bucket() }, signal),
  );
  const isBad = () => Object.keys(badFieldsOf(load.error())).length > 0;
  const rangeError = () => {
    if (!isBad()) return undefined;
    return filters.get("to") < filters.get("from")
      ? "This is before it begins."
      : "This is too long for so short a bucket.";
  };
  return (
    <Page title="Analytics">
      <FilterForm filters={filters}>
        <FilterSelect filters={filters} label="Bucket" name="bucket" options={BUCKETS} />
        <FilterText filters={filters} label="From" name="from" type="date" />
        <FilterText filters={filters} label="To" name="to" type="date" error={rangeError()} />
        <div class="ranges">
          <For each={RANGES}>
            {({ words, days, bucket }) => (
              <button
                type="button"
                class="quiet"
                onClick={() => filters.set({ from: daysAgo(days), to: daysAgo(0), bucket })}
              >
                {words}
              </button>
            )}
          </For>
        </div>
      </FilterForm>
      <Loaded of={load} skeleton={<Rows />} ownWords={isBad()}>
        {(answer) => (
          <div class="stack" aria-busy={load.loading()}>
            <Show when={answer().totals}>{(totals) => <Totals of={totals()} />}</Show>
            <p class="muted">
              As of {timeWords(answer().asOf)}, without cancelled orders.{" "}
              <button
                type="button"
                class="link"
                onClick={() =>
                  navigate(`/admin/orders?${listed(filters.get("from"), filters.get("to"))}`)
                }
              >
                See each of them
              </button>
            </p>
            <For each={FIGURES}>
              {(figure) => <FigureChart figure={figure} of={answer()} bucket={bucket()} />}
            </For>
            <TopProducts products={answer().topProducts} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

/** The list of just what was counted. */
function listed(from: string, to: string): URLSearchParams {
  return new URLSearchParams({ state: "counted", from, to });
}

function Totals(props: { of: StatisticsTotals }) {
  return (
    <dl class="figures">
      <div>
        <dt>Revenue</dt>
        <dd>{written(amountOf(props.of.revenue))}</dd>
      </div>
      <div>
        <dt>Orders</dt>
        <dd>{whole.format(props.of.orders)}</dd>
      </div>
      <div>
        <dt>Items</dt>
        <dd>{whole.format(props.of.items)}</dd>
      </div>
      <div>
        <dt>Average order</dt>
        <dd>{written(amountOf(props.of.averageOrderValue))}</dd>
      </div>
    </dl>
  );
}

function TopProducts(props: { products: TopProduct[] }) {
  const most = () => Math.max(1, ...props.products.map(({ revenue }) => drawn(amountOf(revenue))));
  return (
    <section class="panel" aria-labelledby="top-products">
      <h2 id="top-products">Top products</h2>
      <Show when={props.products.length > 0} fallback={<p class="muted">Nothing was sold.</p>}>
        <table class="data" aria-label="Top products">
          <thead>
            <tr>
              <th scope="col">Product</th>
              <th scope="col" class="number">
                Sold
              </th>
              <th scope="col" class="number">
                Revenue
              </th>
              <td class="roomy share" />
            </tr>
          </thead>
          <tbody>
            <For each={props.products}>
              {(product) => (
                <tr>
                  <th scope="row">
                    <a href={`/admin/inventory/${product.productId}`}>{product.name}</a>
                  </th>
                  <td class="number">{whole.format(product.quantity)}</td>
                  <td class="number price">{written(amountOf(product.revenue))}</td>
                  <td class="roomy share">
                    <Share part={drawn(amountOf(product.revenue)) / most()} />
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

function Share(props: { part: number }) {
  return (
    <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bars" width={Math.max(0.5, props.part * 100)} height="10" />
    </svg>
  );
}

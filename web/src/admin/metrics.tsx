// The metrics of orders over time that have a chart.
import type { Money } from "../gen/google/type/money_pb";
import type {
  GetOrderStatisticsResponse,
  StatisticsBucket,
  StatisticsTotals,
} from "../gen/shopmesh/order/v1/order_admin_service_pb";
import { amountOf, formatAmount } from "../util/money";
import { barValue } from "./amount";
import { Chart } from "./chart";
import { wholeNumber } from "./labels";
import { periodLabels } from "./statistics";

export interface Metric {
  title: string;
  /** The label of its total over the whole range. */
  totalLabel: string;
  value(totals: StatisticsTotals | undefined): number;
  format(totals: StatisticsTotals | undefined): string;
  formatAxis(value: number, currency: string): string;
  whole?: boolean;
}

function moneyMetric(
  title: string,
  totalLabel: string,
  moneyIn: (totals: StatisticsTotals) => Money | undefined,
): Metric {
  const amount = (totals: StatisticsTotals | undefined) => amountOf(totals && moneyIn(totals));
  return {
    title,
    totalLabel,
    value: (totals) => barValue(amount(totals)),
    format: (totals) => formatAmount(amount(totals)),
    formatAxis: (value, currency) =>
      new Intl.NumberFormat(undefined, {
        style: "currency",
        currency,
        notation: "compact",
        maximumFractionDigits: 1,
      }).format(value),
  };
}

export const REVENUE = moneyMetric("Revenue", "in total", ({ revenue }) => revenue);

export const METRICS: Metric[] = [
  REVENUE,
  {
    title: "Orders",
    totalLabel: "in total",
    value: (totals) => Number(totals?.orders ?? 0n),
    format: (totals) => wholeNumber.format(totals?.orders ?? 0n),
    formatAxis: (value) => wholeNumber.format(value),
    whole: true,
  },
  moneyMetric(
    "Average order value",
    "over all orders",
    ({ averageOrderValue }) => averageOrderValue,
  ),
];

export function MetricChart(props: {
  metric: Metric;
  statistics: GetOrderStatisticsResponse;
  bucket: StatisticsBucket;
}) {
  const currency = () => amountOf(props.statistics.totals?.revenue).currency;
  return (
    <Chart
      title={props.metric.title}
      total={props.metric.format(props.statistics.totals)}
      totalLabel={props.metric.totalLabel}
      formatAxis={(value) => props.metric.formatAxis(value, currency())}
      whole={props.metric.whole === true}
      points={props.statistics.periods.map((period) => ({
        ...periodLabels(period, props.bucket),
        value: props.metric.value(period.totals),
        formatted: props.metric.format(period.totals),
      }))}
    />
  );
}

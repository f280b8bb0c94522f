// The figures of orders over time that are drawn.

import type { Money } from "../gen/google/type/money_pb";
import type {
  GetOrderStatisticsResponse,
  StatisticsBucket,
  StatisticsTotals,
} from "../gen/shopmesh/order/v1/order_admin_service_pb";
import { amountOf, written } from "../util/money";
import { drawn } from "./amount";
import { Chart } from "./chart";
import { whole } from "./labels";
import { periodWords } from "./statistics";

export interface Figure {
  title: string;
  /** What the figure of the whole range is. */
  sumWords: string;
  value(totals: StatisticsTotals | undefined): number;
  words(totals: StatisticsTotals | undefined): string;
  axis(value: number, currency: string): string;
  whole?: boolean;
}

function ofMoney(
  title: string,
  sumWords: string,
  of: (totals: StatisticsTotals) => Money | undefined,
): Figure {
  const amount = (totals: StatisticsTotals | undefined) => amountOf(totals && of(totals));
  return {
    title,
    sumWords,
    value: (totals) => drawn(amount(totals)),
    words: (totals) => written(amount(totals)),
    axis: (value, currency) =>
      new Intl.NumberFormat(undefined, {
        style: "currency",
        currency,
        notation: "compact",
        maximumFractionDigits: 1,
      }).format(value),
  };
}

export const REVENUE = ofMoney("Revenue", "in all", ({ revenue }) => revenue);

export const FIGURES: Figure[] = [
  REVENUE,
  {
    title: "Orders",
    sumWords: "in all",
    value: (totals) => Number(totals?.orders ?? 0n),
    words: (totals) => whole.format(totals?.orders ?? 0n),
    axis: (value) => whole.format(value),
    whole: true,
  },
  ofMoney("Average order value", "over all", ({ averageOrderValue }) => averageOrderValue),
];

export function FigureChart(props: {
  figure: Figure;
  of: GetOrderStatisticsResponse;
  bucket: StatisticsBucket;
}) {
  const currency = () => amountOf(props.of.totals?.revenue).currency;
  return (
    <Chart
      title={props.figure.title}
      sum={props.figure.words(props.of.totals)}
      sumWords={props.figure.sumWords}
      axis={(value) => props.figure.axis(value, currency())}
      whole={props.figure.whole === true}
      points={props.of.periods.map((period) => ({
        ...periodWords(period, props.bucket),
        value: props.figure.value(period.totals),
        words: props.figure.words(period.totals),
      }))}
    />
  );
}

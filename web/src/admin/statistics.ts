// Figures of orders over time.
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type GetOrderStatisticsResponse,
  StatisticsBucket,
  type StatisticsPeriod,
} from "../gen/shopmesh/order/v1/order_admin_service_pb";
import { allOrders } from "./clients";
import { endOf, startOf, TIME_ZONE } from "./days";

export interface Range {
  /** First day of the person, and last. */
  from: string;
  to: string;
  bucket: StatisticsBucket;
}

export async function statisticsOf(
  { from, to, bucket }: Range,
  signal: AbortSignal,
): Promise<GetOrderStatisticsResponse> {
  const [startTime, endTime] = [startOf(from), endOf(to)];
  return allOrders.getOrderStatistics(
    {
      ...(startTime && { startTime }),
      ...(endTime && { endTime }),
      bucket,
      timeZone: TIME_ZONE,
    },
    { signal },
  );
}

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const HOUR = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const MONTH = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric" });
const SHORT_DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const SHORT_MONTH = new Intl.DateTimeFormat(undefined, { month: "short", year: "2-digit" });
const SHORT_HOUR = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

/** A period in full, and as it stands below a chart. */
export function periodWords(
  { startTime, endTime }: StatisticsPeriod,
  bucket: StatisticsBucket,
): { full: string; short: string } {
  const start = startTime ? timestampDate(startTime) : new Date(0);
  // The last instant of it, so that a week ends on its Sunday.
  const end = endTime ? new Date(timestampDate(endTime).getTime() - 1) : start;
  switch (bucket) {
    case StatisticsBucket.HOUR:
      return { full: HOUR.format(start), short: SHORT_HOUR.format(start) };
    case StatisticsBucket.WEEK:
      return { full: DAY.formatRange(start, end), short: SHORT_DAY.format(start) };
    case StatisticsBucket.MONTH:
      return { full: MONTH.format(start), short: SHORT_MONTH.format(start) };
    default:
      return { full: DAY.format(start), short: SHORT_DAY.format(start) };
  }
}

// The statistics of orders over time.
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type GetOrderStatisticsResponse,
  StatisticsBucket,
  type StatisticsPeriod,
} from "../gen/shopmesh/order/v1/order_admin_service_pb";
import { orderAdmin } from "./clients";
import { endOfDay, startOfDay, TIME_ZONE } from "./days";

export interface Range {
  /** The first and the last day, in the time zone of the browser. */
  from: string;
  to: string;
  bucket: StatisticsBucket;
}

export async function fetchStatistics(
  { from, to, bucket }: Range,
  signal: AbortSignal,
): Promise<GetOrderStatisticsResponse> {
  const [startTime, endTime] = [startOfDay(from), endOfDay(to)];
  return orderAdmin.getOrderStatistics(
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

/** Returns the label of a period, and a shorter one for the axis of a chart. */
export function periodLabels(
  { startTime, endTime }: StatisticsPeriod,
  bucket: StatisticsBucket,
): { label: string; shortLabel: string } {
  const start = startTime ? timestampDate(startTime) : new Date(0);
  // One millisecond before the end, so that a week ends on its Sunday.
  const end = endTime ? new Date(timestampDate(endTime).getTime() - 1) : start;
  switch (bucket) {
    case StatisticsBucket.HOUR:
      return { label: HOUR.format(start), shortLabel: SHORT_HOUR.format(start) };
    case StatisticsBucket.WEEK:
      return { label: DAY.formatRange(start, end), shortLabel: SHORT_DAY.format(start) };
    case StatisticsBucket.MONTH:
      return { label: MONTH.format(start), shortLabel: SHORT_MONTH.format(start) };
    default:
      return { label: DAY.format(start), shortLabel: SHORT_DAY.format(start) };
  }
}

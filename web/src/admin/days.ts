// Calendar days in the time zone of the browser, as a date field has them: `2026-11-24`.
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";

/** The IANA name of the time zone of the browser. */
export const TIME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

function dayOf(date: Date): string {
  const digits = (number: number, length: number) => String(number).padStart(length, "0");
  return [
    digits(date.getFullYear(), 4),
    digits(date.getMonth() + 1, 2),
    digits(date.getDate(), 2),
  ].join("-");
}

export function daysAgo(days: number): string {
  const date = new Date();
  date.setDate(date.getDate() - days);
  return dayOf(date);
}

/** Returns the first instant of a day; undefined if it is not a day. */
export function startOfDay(day: string): Timestamp | undefined {
  return midnight(day, 0);
}

/** Returns the first instant after a day; undefined if it is not a day. */
export function endOfDay(day: string): Timestamp | undefined {
  return midnight(day, 1);
}

function midnight(day: string, daysLater: number): Timestamp | undefined {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return undefined;
  return timestampFromDate(new Date(year, month - 1, date + daysLater));
}

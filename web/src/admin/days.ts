// Calendar days of the person, as a date field has them: `2026-11-24`.
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";

/** The IANA name of the person's time zone. */
export const TIME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function dayOf(date: Date): string {
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

/** The first instant of a day; undefined where it is none. */
export function startOf(day: string): Timestamp | undefined {
  return instant(day, 0);
}

/** The first instant after a day. */
export function endOf(day: string): Timestamp | undefined {
  return instant(day, 1);
}

function instant(day: string, later: number): Timestamp | undefined {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return undefined;
  return timestampFromDate(new Date(year, month - 1, date + later));
}

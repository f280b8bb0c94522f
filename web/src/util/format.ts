// Formats times and counts in the locale of the browser.
import type { Timestamp } from "@bufbuild/protobuf/wkt";

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function formatTime(time: Timestamp | undefined): string {
  return time ? TIME.format(Number(time.seconds) * 1000 + time.nanos / 1e6) : "";
}

export function formatCount(count: number, singular: string, plural: string): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

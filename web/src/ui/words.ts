// How the things of the shop are called, and how times are written.
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { MailState, OrderState } from "../gen/shopmesh/order/v1/order_service_pb";
import { StockState } from "../gen/shopmesh/product/v1/product_service_pb";

export function stockWords(state: StockState): string {
  switch (state) {
    case StockState.IN_STOCK:
      return "In stock";
    case StockState.LOW_STOCK:
      return "Low stock";
    default:
      return "Out of stock";
  }
}

export function orderWords(state: OrderState): string {
  switch (state) {
    case OrderState.SHIPPED:
      return "Shipped";
    case OrderState.CANCELLED:
      return "Cancelled";
    default:
      return "Confirmed";
  }
}

/** Empty where no mail is sent. */
export function mailWords(state: MailState): string {
  switch (state) {
    case MailState.PENDING:
      return "Mail on its way";
    case MailState.SENT:
      return "Mail sent";
    case MailState.FAILED:
      return "Mail failed";
    default:
      return "";
  }
}

/** A slug such as `coffee-and-tea` as a person reads it. */
export function categoryWords(slug: string): string {
  const words = slug.replaceAll("-", " ");
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function timeWords(time: Timestamp | undefined): string {
  return time ? TIME.format(timestampDate(time)) : "";
}

/** The number that pages and mails call an order by. */
export function shortNumber(orderId: string): string {
  return orderId.slice(0, 8);
}

export function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

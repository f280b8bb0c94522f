// How the things of the shop are called, and how times are written. States by their numbers, held
// against the contract by the types: the enums themselves would bring the clients to the first load.
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { MailState, OrderState } from "../gen/shopmesh/order/v1/order_service_pb";
import type { StockState } from "../gen/shopmesh/product/v1/product_service_pb";

const STOCK: Record<StockState, string> = {
  0: "Out of stock",
  1: "In stock",
  2: "Low stock",
  3: "Out of stock",
};
const ORDER: Record<OrderState, string> = {
  0: "Confirmed",
  1: "Confirmed",
  2: "Shipped",
  3: "Cancelled",
};
/** Empty where no mail is sent. */
const MAIL: Record<MailState, string> = {
  0: "",
  1: "Mail on its way",
  2: "Mail sent",
  3: "Mail failed",
};

export const canBeBought = (state: StockState): boolean => STOCK[state] !== STOCK[3];
export const stockWords = (state: StockState): string => STOCK[state];
export const orderWords = (state: OrderState): string => ORDER[state];
export const mailWords = (state: MailState): string => MAIL[state];

/** A slug such as `coffee-and-tea` as a person reads it. */
export function categoryWords(slug: string): string {
  const words = slug.replaceAll("-", " ");
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function timeWords(time: Timestamp | undefined): string {
  return time ? TIME.format(Number(time.seconds) * 1000 + time.nanos / 1e6) : "";
}

/** The number that pages and mails call an order by. */
export function shortNumber(orderId: string): string {
  return orderId.slice(0, 8);
}

export function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

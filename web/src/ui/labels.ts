// The labels of states and categories. States are keyed by number, and the types check that every
// number of the contract has a label: the enums themselves would add the contracts of all services to the first load.
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
/** Empty if there is no mail. */
const MAIL: Record<MailState, string> = {
  0: "",
  1: "Mail on its way",
  2: "Mail sent",
  3: "Mail failed",
};

export const isInStock = (state: StockState): boolean => STOCK[state] !== STOCK[3];
export const stockLabel = (state: StockState): string => STOCK[state];
export const orderLabel = (state: OrderState): string => ORDER[state];
export const mailLabel = (state: MailState): string => MAIL[state];

/** Returns a slug such as `coffee-and-tea` as text. */
export function categoryLabel(slug: string): string {
  const text = slug.replaceAll("-", " ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Returns the number of the order that pages and mails show. */
export function shortOrderNumber(orderId: string): string {
  return orderId.slice(0, 8);
}

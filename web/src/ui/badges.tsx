// Badges: the label of a state, in a colour that means the same.
import type { OrderState } from "../gen/shopmesh/order/v1/order_service_pb";
import type { StockState } from "../gen/shopmesh/product/v1/product_service_pb";
import { orderLabel, stockLabel } from "./labels";

const STOCK_TONE: Record<StockState, string> = { 0: "bad", 1: "good", 2: "low", 3: "bad" };
const ORDER_TONE: Record<OrderState, string> = { 0: "", 1: "good", 2: "", 3: "bad" };

export function StockBadge(props: { state: StockState }) {
  return <span class={`badge ${STOCK_TONE[props.state]}`}>{stockLabel(props.state)}</span>;
}

export function OrderBadge(props: { state: OrderState }) {
  return <span class={`badge ${ORDER_TONE[props.state]}`}>{orderLabel(props.state)}</span>;
}

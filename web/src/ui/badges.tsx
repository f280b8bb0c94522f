// Small marks of a state: its words, and a colour that says the same.
import { OrderState } from "../gen/shopmesh/order/v1/order_service_pb";
import { StockState } from "../gen/shopmesh/product/v1/product_service_pb";
import { orderWords, stockWords } from "./words";

export function StockBadge(props: { state: StockState }) {
  return (
    <span
      class="badge"
      classList={{
        good: props.state === StockState.IN_STOCK,
        low: props.state === StockState.LOW_STOCK,
        bad: props.state === StockState.OUT_OF_STOCK,
      }}
    >
      {stockWords(props.state)}
    </span>
  );
}

export function OrderBadge(props: { state: OrderState }) {
  return (
    <span
      class="badge"
      classList={{
        good: props.state !== OrderState.CANCELLED,
        bad: props.state === OrderState.CANCELLED,
      }}
    >
      {orderWords(props.state)}
    </span>
  );
}

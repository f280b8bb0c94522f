// The parts of an order page that customers and admins see alike.
import { For, type JSX } from "solid-js";
import type {
  Address,
  Order,
  OrderHistoryEntry,
  OrderItem,
} from "../gen/shopmesh/order/v1/order_service_pb";
import { orderLabel } from "../ui/labels";
import { formatTime } from "../util/format";
import { amountOf, formatAmount, multiply } from "../util/money";
import { countryName } from "./address";

/** Line items and total; `name` renders the name of a line item. */
export function LineItems(props: { order: Order; name: (item: OrderItem) => JSX.Element }) {
  return (
    <table class="line-items">
      <thead class="visually-hidden">
        <tr>
          <th scope="col">Product</th>
          <th scope="col">Price</th>
        </tr>
      </thead>
      <tbody>
        <For each={props.order.items}>
          {(item) => (
            <tr>
              <td>
                {props.name(item)}{" "}
                <span class="muted nowrap">
                  {item.quantity} × {formatAmount(amountOf(item.price))}
                </span>
              </td>
              <td class="price">{formatAmount(multiply(amountOf(item.price), item.quantity))}</td>
            </tr>
          )}
        </For>
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          <td class="price">{formatAmount(amountOf(props.order.total))}</td>
        </tr>
      </tfoot>
    </table>
  );
}

/** The states of an order in time; `actor` returns who made the transition. */
export function OrderHistory(props: { order: Order; actor: (entry: OrderHistoryEntry) => string }) {
  return (
    <ol class="history">
      <For each={props.order.history}>
        {(entry) => (
          <li>
            {orderLabel(entry.state)}
            <span class="muted">
              {formatTime(entry.time)}, {props.actor(entry)}
            </span>
          </li>
        )}
      </For>
    </ol>
  );
}

export function PostalAddress(props: { address: Address }) {
  return (
    <address>
      {props.address.fullName}
      <br />
      {props.address.street}
      <br />
      {props.address.postalCode} {props.address.city}
      <br />
      {countryName(props.address.countryCode)}
    </address>
  );
}

// What an order has, and where it goes, as its customer and the shop see it.
import { For, type JSX } from "solid-js";
import type { Address, Order, OrderItem } from "../gen/shopmesh/order/v1/order_service_pb";
import { amountOf, times, written } from "../util/money";
import { countryWords } from "./address";

/** Items and total; `name` is how the name of an item is shown. */
export function Bill(props: { order: Order; name: (item: OrderItem) => JSX.Element }) {
  return (
    <table class="bill">
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
                  {item.quantity} × {written(amountOf(item.price))}
                </span>
              </td>
              <td class="price">{written(times(amountOf(item.price), item.quantity))}</td>
            </tr>
          )}
        </For>
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          <td class="price">{written(amountOf(props.order.total))}</td>
        </tr>
      </tfoot>
    </table>
  );
}

export function PostalAddress(props: { of: Address }) {
  return (
    <address>
      {props.of.fullName}
      <br />
      {props.of.street}
      <br />
      {props.of.postalCode} {props.of.city}
      <br />
      {countryWords(props.of.countryCode)}
    </address>
  );
}

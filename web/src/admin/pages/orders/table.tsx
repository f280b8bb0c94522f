// The table of orders.
import { For } from "solid-js";
import type { Order } from "../../../gen/shopmesh/order/v1/order_service_pb";
import { OrderBadge } from "../../../ui/badges";
import { mailLabel, shortOrderNumber } from "../../../ui/labels";
import { formatCount, formatTime } from "../../../util/format";
import { amountOf, formatAmount } from "../../../util/money";
import { TableHead } from "../../rows";

const COLUMNS = [
  { heading: "Order" },
  { heading: "Customer", class: "roomy" },
  { heading: "Products", class: "roomy" },
  { heading: "State", class: "roomy" },
  { heading: "Mail", class: "roomy" },
  { heading: "Total", class: "number" },
];

export function OrderTable(props: {
  orders: Order[];
  busy: boolean;
  ref?: (table: HTMLTableElement) => void;
}) {
  return (
    <table ref={props.ref} tabindex="-1" class="data" aria-label="Orders" aria-busy={props.busy}>
      <TableHead columns={COLUMNS} />
      <tbody>
        <For each={props.orders}>{(order) => <Row order={order} />}</For>
      </tbody>
    </table>
  );
}

function Row(props: { order: Order }) {
  return (
    <tr>
      <th scope="row">
        <a href={`/admin/orders/${props.order.orderId}`}>{shortOrderNumber(props.order.orderId)}</a>
        <span class="muted">{formatTime(props.order.createTime)}</span>
        <span class="muted tight">{props.order.customerEmail}</span>
      </th>
      <td class="roomy email">
        {props.order.customerEmail || <span class="muted">Internal system</span>}
      </td>
      <td class="roomy muted">{lineItemsText(props.order)}</td>
      <td class="roomy">
        <OrderBadge state={props.order.state} />
      </td>
      <td class="roomy muted nowrap">{mailLabel(props.order.mailState)}</td>
      <td class="number">
        <span class="price">{formatAmount(amountOf(props.order.total))}</span>
        <span class="tight">
          <OrderBadge state={props.order.state} />
        </span>
      </td>
    </tr>
  );
}

/** Returns the first line item, and how many others there are. */
function lineItemsText({ items }: Order): string {
  const [first] = items;
  if (!first) return "";
  const others = items.length - 1;
  const rest = others > 0 ? ` and ${formatCount(others, "other", "others")}` : "";
  return `${first.quantity} × ${first.name}${rest}`;
}

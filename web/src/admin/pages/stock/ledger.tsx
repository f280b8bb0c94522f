// The ledger: every change of what is on hand.
import { For, Show } from "solid-js";
import {
  type InventoryChange,
  InventoryChangeReason,
} from "../../../gen/shopmesh/product/v1/inventory_service_pb";
import { userId } from "../../../session/state";
import { shortOrderNumber } from "../../../ui/labels";
import { formatTime } from "../../../util/format";
import { ledgerReasonLabel, signedNumber, wholeNumber } from "../../labels";
import { TableHead } from "../../rows";

const COLUMNS = [
  { heading: "Time", class: "roomy" },
  { heading: "Change", class: "number" },
  { heading: "After", class: "number" },
  { heading: "Why" },
  { heading: "By", class: "roomy" },
];

export function Ledger(props: { entries: InventoryChange[] }) {
  return (
    <table class="data" aria-label="Ledger">
      <TableHead columns={COLUMNS} />
      <tbody>
        <For each={props.entries}>{(entry) => <Row entry={entry} />}</For>
      </tbody>
    </table>
  );
}

function Row(props: { entry: InventoryChange }) {
  const { createTime, delta, onHandAfter, reason, orderId, note } = props.entry;
  return (
    <tr>
      <td class="roomy muted">{formatTime(createTime)}</td>
      <td class="number" classList={{ minus: delta < 0, plus: delta > 0 }}>
        {signedNumber.format(delta)}
      </td>
      <td class="number">{wholeNumber.format(onHandAfter)}</td>
      <td>
        {ledgerReasonLabel(reason)}{" "}
        <Show when={orderId}>
          <a href={`/admin/orders/${orderId}`}>{shortOrderNumber(orderId)}</a>
        </Show>
        <Show when={note}>
          <span class="muted below">{note}</span>
        </Show>
        <span class="muted tight">{formatTime(createTime)}</span>
      </td>
      <td class="roomy muted">{actorLabel(props.entry)}</td>
    </tr>
  );
}

function actorLabel({ actorId, reason }: InventoryChange): string {
  if (actorId === "") return reason === InventoryChangeReason.IMPORTED ? "Operator" : "Shop";
  return actorId === userId() ? "You" : "Another admin";
}

// Exports all orders that match the filters as a file.
import { createSignal, onCleanup } from "solid-js";
import { ActionError, createAction } from "../../../ui/action";
import type { Filters } from "../../../ui/filters";
import { orderAdmin } from "../../clients";
import { daysAgo } from "../../days";
import { wholeNumber } from "../../labels";
import { orderQuery } from "./filters";

/** By then the browser has read the file. */
const FILE_LIFETIME_MS = 60_000;

export function ExportButton(props: { filters: Filters }) {
  const [bytes, setBytes] = createSignal(0);
  const abort = new AbortController();
  onCleanup(() => abort.abort());
  const exportOrders = createAction(async () => {
    const { signal } = abort;
    setBytes(0);
    const { request } = await orderQuery(props.filters, signal);
    const parts: BlobPart[] = [];
    for await (const { csv } of orderAdmin.exportOrders(request, { signal, timeoutMs: 0 })) {
      parts.push(csv as BlobPart);
      setBytes(bytes() + csv.length);
    }
    // A stream that fails throws, so an incomplete file is never saved.
    save(new Blob(parts, { type: "text/csv" }), `orders-${daysAgo(0)}.csv`);
  });
  return (
    <>
      <span class="page-actions">
        <span class="muted" role="status">
          {exportOrders.busy() && `${wholeNumber.format(Math.ceil(bytes() / 1000))} kB so far`}
        </span>
        <button
          type="button"
          class="quiet"
          aria-disabled={exportOrders.busy()}
          onClick={() => exportOrders.run()}
        >
          Export CSV
        </button>
      </span>
      <ActionError action={exportOrders} />
    </>
  );
}

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), FILE_LIFETIME_MS);
}

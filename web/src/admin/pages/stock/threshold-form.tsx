// Sets the available quantity at which a product is low on stock.
import { createSignal, Show } from "solid-js";
import type { Inventory } from "../../../gen/shopmesh/product/v1/inventory_service_pb";
import { Field } from "../../../ui/field";
import { createForm, FormError, SubmitRow } from "../../../ui/form";
import { inventory } from "../../clients";
import { createIdempotentSubmit } from "../../idempotent-submit";
import { parseWholeNumber } from "./parse";

export function ThresholdForm(props: {
  stock: Inventory;
  onChange: (stock: Inventory | undefined) => void;
}) {
  const [value, setValue] = createSignal(String(props.stock.lowStockThreshold));
  const [saved, setSaved] = createSignal(false);
  const submit = createIdempotentSubmit();
  const form = createForm(async () => {
    setSaved(false);
    const lowStockThreshold = parseWholeNumber("low_stock_threshold", value());
    const { productId } = props.stock;
    const response = await submit((requestId) =>
      inventory.updateInventory({ productId, lowStockThreshold, requestId }),
    );
    props.onChange(response.inventory);
    setSaved(true);
  });
  return (
    <form class="panel" noValidate onSubmit={form.submit} aria-labelledby="threshold">
      <h2 id="threshold">Low-stock threshold</h2>
      <Field
        label="Low at"
        type="number"
        value={value()}
        onInput={setValue}
        error={form.fieldError("low_stock_threshold")}
        hint="Customers see “Low stock” if this many or fewer are available."
      />
      <FormError form={form} />
      <SubmitRow
        form={form}
        label="Set the threshold"
        class="quiet"
        status={<Show when={saved()}>Done.</Show>}
      />
    </form>
  );
}

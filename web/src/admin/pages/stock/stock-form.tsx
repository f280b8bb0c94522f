// Changes what is on hand: an admin sets a count, or adds and removes a quantity.
import { createSignal, Show } from "solid-js";
import type { Inventory } from "../../../gen/shopmesh/product/v1/inventory_service_pb";
import { metadataOf, reasonOf } from "../../../rpc/errors";
import type { Load } from "../../../rpc/load";
import { Field, Select, TextArea } from "../../../ui/field";
import { createForm, type Form, SubmitRow } from "../../../ui/form";
import { inventory } from "../../clients";
import { createIdempotentSubmit } from "../../idempotent-submit";
import { REASON_OPTIONS } from "../../labels";
import { parseWholeNumber } from "./parse";
import { type StaleCount, StockError } from "./stock-error";

interface Draft {
  /** A count replaces the quantity and needs the `etag` of it; an adjustment does not. */
  mode: "count" | "adjustment";
  value: string;
  reason: string;
  note: string;
}

interface StockFormProps {
  stock: Inventory;
  load: Load<Inventory | undefined>;
  onLedgerChange: () => void;
}

export function StockForm(props: StockFormProps) {
  const { form, draft, change, stale, clearStale, saved } = createStockForm(props);
  return (
    <form class="panel" noValidate onSubmit={form.submit} aria-labelledby="change">
      <h2 id="change">Change the stock</h2>
      <ModeChoice draft={draft()} onHand={props.stock.onHand} onChange={change} />
      <Fields form={form} draft={draft()} onChange={change} />
      <StockError
        form={form}
        stale={stale()}
        typed={draft().value}
        useCurrent={(onHand) => {
          clearStale();
          change({ value: String(onHand) });
        }}
      />
      <SubmitRow
        form={form}
        label="Save"
        status={<Show when={saved()}>Saved. The ledger below has the change.</Show>}
      />
    </form>
  );
}

function createStockForm(props: StockFormProps) {
  const emptyDraft = (): Draft => ({
    mode: "count",
    value: String(props.stock.onHand),
    reason: "",
    note: "",
  });
  const [draft, setDraft] = createSignal(emptyDraft());
  const [stale, setStale] = createSignal<StaleCount>();
  const [saved, setSaved] = createSignal(false);
  const change = (changes: Partial<Draft>) => {
    setSaved(false);
    setDraft((before) => ({ ...before, ...changes }));
  };
  const submit = createIdempotentSubmit();

  const form = createForm(async () => {
    setSaved(false);
    setStale(undefined);
    const { mode, value, reason, note } = draft();
    const quantity = parseWholeNumber("set_on_hand", value);
    const before = props.stock;
    try {
      const response = await submit((requestId) =>
        inventory.updateInventory({
          productId: before.productId,
          change: { case: mode === "count" ? "setOnHand" : "adjustBy", value: quantity },
          reason: Number(reason),
          note,
          requestId,
          etag: mode === "count" ? before.etag : "",
        }),
      );
      props.load.setData(response.inventory);
      setDraft(emptyDraft());
      setSaved(true);
      props.onLedgerChange();
    } catch (error) {
      if (reasonOf(error) === "STALE_ETAG") {
        setStale({ seen: before.onHand, current: Number(metadataOf(error).on_hand) });
      }
      if (["STALE_ETAG", "STOCK_HELD", "REQUEST_ID_REUSED"].includes(reasonOf(error))) {
        props.load.reload();
        props.onLedgerChange();
      }
      throw error;
    }
  });
  return { form, draft, change, stale, clearStale: () => setStale(undefined), saved } as const;
}

type ChangeHandler = (changes: Partial<Draft>) => void;

function ModeChoice(props: { draft: Draft; onHand: number; onChange: ChangeHandler }) {
  return (
    <fieldset class="choice">
      <legend class="visually-hidden">How</legend>
      <label>
        <input
          type="radio"
          name="mode"
          checked={props.draft.mode === "count"}
          onChange={() => props.onChange({ mode: "count", value: String(props.onHand) })}
        />
        Set the count
      </label>
      <label>
        <input
          type="radio"
          name="mode"
          checked={props.draft.mode === "adjustment"}
          onChange={() => props.onChange({ mode: "adjustment", value: "" })}
        />
        Add or remove
      </label>
    </fieldset>
  );
}

function Fields(props: { form: Form; draft: Draft; onChange: ChangeHandler }) {
  const isCount = () => props.draft.mode === "count";
  return (
    <>
      <div class="pair">
        <Field
          label={isCount() ? "On hand" : "Change by"}
          type="number"
          value={props.draft.value}
          onInput={(value) => props.onChange({ value })}
          error={props.form.fieldError("set_on_hand") ?? props.form.fieldError("adjust_by")}
          hint={isCount() ? "" : "For example 12, or -3."}
        />
        <Select
          label="Reason"
          value={props.draft.reason}
          onInput={(reason) => props.onChange({ reason })}
          error={props.form.fieldError("reason")}
          options={[
            { value: "", text: "Choose one", disabled: true },
            ...REASON_OPTIONS.map(({ value, text }) => ({ value: String(value), text })),
          ]}
        />
      </div>
      <TextArea
        label="Note"
        rows={2}
        value={props.draft.note}
        onInput={(note) => props.onChange({ note })}
        error={props.form.fieldError("note")}
      />
    </>
  );
}

// The stock of one product: what is there, what to make of it, and how it came about.
import { createSignal, For, Match, Show, Switch } from "solid-js";
import {
  type Inventory,
  type InventoryChange,
  InventoryChangeReason,
} from "../../../gen/shopmesh/product/v1/inventory_service_pb";
import { navigate } from "../../../router";
import { BadFields, factsOf, reasonOf, wordsFor } from "../../../rpc/errors";
import { createList, createLoad, type List, type Load } from "../../../rpc/load";
import { products } from "../../../rpc/products";
import { ownerId } from "../../../session/session";
import { StockBadge } from "../../../ui/badges";
import { Field, Select, TextArea } from "../../../ui/field";
import { createForm, type Form, FormError } from "../../../ui/form";
import { shortNumber, timeWords } from "../../../ui/labels";
import { More } from "../../../ui/load-more";
import { Page } from "../../../ui/page";
import { Alert, Loaded } from "../../../ui/states";
import { inventory } from "../../clients";
import { createOnce, mayBeDone } from "../../idempotent-submit";
import { changeWords, REASONS, signed, whole } from "../../labels";
import { Rows } from "../../rows";
import { stockState } from "../inventory";

export function Stock(props: { productId: string }) {
  const key = { productId: props.productId };
  const load = createLoad(
    async (signal) => (await inventory.getInventory(key, { signal })).inventory,
  );
  const product = createLoad(
    async (signal) => (await products.getAnyProduct(key, { signal })).product,
  );
  const ledger = createList(async (pageToken, signal) => {
    const request = { ...key, pageToken };
    const answer = await inventory.listInventoryChanges(request, signal ? { signal } : {});
    return { items: answer.changes, next: answer.nextPageToken };
  });
  const unknown = () => ["PRODUCT_NOT_FOUND", "VALIDATION_FAILED"].includes(reasonOf(load.error()));
  return (
    <Show
      when={!unknown()}
      fallback={
        <Page title="Product not found">
          <p>There is no such product.</p>
          <p>
            <a href="/admin/inventory">All products</a>
          </p>
        </Page>
      }
    >
      <Page
        title={load.data()?.productName ?? "Product"}
        lead={
          <p class="back">
            <a href="/admin/inventory">All products</a>
          </p>
        }
      >
        <Loaded of={load} skeleton={<Rows />}>
          {(stock) => (
            <>
              <p class="order-state">
                <StockBadge state={stockState(stock())} />
                <Show when={product.data()?.archived}>
                  <span class="badge">Off sale</span>
                </Show>
                <span class="muted">{stock().sku}</span>
                <a href={`/admin/products/${props.productId}`}>Edit product</a>
                <button
                  type="button"
                  class="link"
                  onClick={() =>
                    navigate(`/admin/orders?product=${encodeURIComponent(stock().sku)}`)
                  }
                >
                  Who bought it
                </button>
              </p>
              <Numbers of={stock()} />
              <div class="halves">
                <Change of={stock()} load={load} ledger={ledger} />
                <Threshold of={stock()} load={load} />
              </div>
            </>
          )}
        </Loaded>
        <section aria-labelledby="history">
          <h2 id="history">What happened</h2>
          <Loaded of={ledger} skeleton={<Rows />}>
            {(page) => (
              <Show
                when={page().items.length > 0}
                fallback={<p class="muted">Nothing yet: no goods came in or went out.</p>}
              >
                <Ledger changes={page().items} />
                <More list={ledger} />
              </Show>
            )}
          </Loaded>
        </section>
      </Page>
    </Show>
  );
}

function Numbers(props: { of: Inventory }) {
  return (
    <dl class="figures">
      <div>
        <dt>In the house</dt>
        <dd>{whole.format(props.of.onHand)}</dd>
      </div>
      <div>
        <dt>Held by checkouts</dt>
        <dd>{whole.format(props.of.held)}</dd>
      </div>
      <div>
        <dt>Available</dt>
        <dd>{whole.format(props.of.available)}</dd>
      </div>
    </dl>
  );
}

interface Typed {
  /** A count replaces what is there and must know what that was; a difference need not. */
  how: "count" | "difference";
  value: string;
  reason: string;
  note: string;
}

/** What the person saw, and what is there now. */
interface Stale {
  seen: number;
  now: number;
}

function Change(props: {
  of: Inventory;
  load: Load<Inventory | undefined>;
  ledger: List<InventoryChange>;
}) {
  const fresh = (): Typed => ({
    how: "count",
    value: String(props.of.onHand),
    reason: "",
    note: "",
  });
  const [typed, setTyped] = createSignal(fresh());
  const [stale, setStale] = createSignal<Stale>();
  const [saved, setSaved] = createSignal(false);
  const change = (part: Partial<Typed>) => {
    setSaved(false);
    setTyped((before) => ({ ...before, ...part }));
  };
  const once = createOnce();

  const form = createForm(async () => {
    setSaved(false);
    setStale(undefined);
    const { how, value, reason, note } = typed();
    const number = wholeNumber("set_on_hand", value);
    const before = props.of;
    try {
      const answer = await once((requestId) =>
        inventory.updateInventory({
          productId: before.productId,
          change: { case: how === "count" ? "setOnHand" : "adjustBy", value: number },
          reason: Number(reason),
          note,
          requestId,
          etag: how === "count" ? before.etag : "",
        }),
      );
      props.load.put(answer.inventory);
      setTyped(fresh());
      setSaved(true);
      props.ledger.again();
    } catch (error) {
      if (reasonOf(error) === "STALE_ETAG") {
        setStale({ seen: before.onHand, now: Number(factsOf(error).on_hand) });
      }
      if (["STALE_ETAG", "STOCK_HELD", "REQUEST_ID_REUSED"].includes(reasonOf(error))) {
        props.load.again();
        props.ledger.again();
      }
      throw error;
    }
  });

  return (
    <form class="panel" noValidate onSubmit={form.submit} aria-labelledby="change">
      <h2 id="change">Change the stock</h2>
      <fieldset class="choice">
        <legend class="visually-hidden">How</legend>
        <label>
          <input
            type="radio"
            name="how"
            checked={typed().how === "count"}
            onChange={() => change({ how: "count", value: String(props.of.onHand) })}
          />
          Set the count
        </label>
        <label>
          <input
            type="radio"
            name="how"
            checked={typed().how === "difference"}
            onChange={() => change({ how: "difference", value: "" })}
          />
          Add or take away
        </label>
      </fieldset>
      <div class="pair">
        <Field
          label={typed().how === "count" ? "On hand" : "Change by"}
          type="number"
          value={typed().value}
          onInput={(value) => change({ value })}
          error={form.fieldError("set_on_hand") ?? form.fieldError("adjust_by")}
          hint={typed().how === "count" ? "" : "For example 12, or -3."}
        />
        <Select
          label="Reason"
          value={typed().reason}
          onInput={(reason) => change({ reason })}
          error={form.fieldError("reason")}
          options={[
            { value: "", text: "Choose one", disabled: true },
            ...REASONS.map(({ value, text }) => ({ value: String(value), text })),
          ]}
        />
      </div>
      <TextArea
        label="Note"
        rows={2}
        value={typed().note}
        onInput={(note) => change({ note })}
        error={form.fieldError("note")}
      />
      <Told
        form={form}
        stale={stale()}
        typed={typed().value}
        take={(now) => {
          setStale(undefined);
          change({ value: String(now) });
        }}
      />
      <div class="row">
        <button type="submit" aria-disabled={form.busy()}>
          Save
        </button>
        <p class="hint" role="status">
          <Show when={saved()}>Done. It stands in the ledger below.</Show>
        </p>
      </div>
    </form>
  );
}

function wholeNumber(field: string, typed: string): number {
  const number = typed.trim() === "" ? Number.NaN : Number(typed);
  if (!Number.isInteger(number)) throw new BadFields({ [field]: "Write a whole number." });
  return number;
}

function Told(props: {
  form: Form;
  stale: Stale | undefined;
  typed: string;
  take: (now: number) => void;
}) {
  const reason = () => reasonOf(props.form.error());
  return (
    <Switch fallback={<FormError form={props.form} />}>
      <Match when={reason() === "STALE_ETAG"}>
        <Show when={props.stale}>
          {(stale) => (
            <Alert>
              <p>
                Not saved: the stock changed meanwhile. You saw {whole.format(stale().seen)}, now
                there are <strong>{whole.format(stale().now)}</strong>. You typed {props.typed}:
                save again to set that all the same.
              </p>
              <button type="button" class="quiet" onClick={() => props.take(stale().now)}>
                Take {whole.format(stale().now)}
              </button>
            </Alert>
          )}
        </Show>
      </Match>
      <Match when={reason() === "STOCK_HELD"}>
        <Alert>
          <p>
            Not saved: checkouts under way hold {factsOf(props.form.error()).held}, so there cannot
            be only {factsOf(props.form.error()).on_hand}. Wait a moment, or cancel their orders
            first.
          </p>
        </Alert>
      </Match>
      <Match when={reason() === "REQUEST_ID_REUSED"}>
        <Alert>
          <p>
            What you sent before this was saved after all: look at the ledger below. What you have
            typed now was not saved yet.
          </p>
        </Alert>
      </Match>
      <Match when={props.form.error() !== undefined && mayBeDone(props.form.error())}>
        <Alert>
          <p>{wordsFor(props.form.error())} Saving again is safe: it will not be done twice.</p>
        </Alert>
      </Match>
    </Switch>
  );
}

function Threshold(props: { of: Inventory; load: Load<Inventory | undefined> }) {
  const [value, setValue] = createSignal(String(props.of.lowStockThreshold));
  const [done, setDone] = createSignal(false);
  const once = createOnce();
  const form = createForm(async () => {
    setDone(false);
    const lowStockThreshold = wholeNumber("low_stock_threshold", value());
    const { productId } = props.of;
    const answer = await once((requestId) =>
      inventory.updateInventory({ productId, lowStockThreshold, requestId }),
    );
    props.load.put(answer.inventory);
    setDone(true);
  });
  return (
    <form class="panel" noValidate onSubmit={form.submit} aria-labelledby="threshold">
      <h2 id="threshold">When stock is low</h2>
      <Field
        label="Low at"
        type="number"
        value={value()}
        onInput={setValue}
        error={form.fieldError("low_stock_threshold")}
        hint="With this many available or fewer, customers read “Low stock”."
      />
      <FormError form={form} />
      <div class="row">
        <button type="submit" class="quiet" aria-disabled={form.busy()}>
          Set the threshold
        </button>
        <p class="hint" role="status">
          <Show when={done()}>Done.</Show>
        </p>
      </div>
    </form>
  );
}

function Ledger(props: { changes: InventoryChange[] }) {
  return (
    <table class="data" aria-label="Ledger">
      <thead>
        <tr>
          <th scope="col" class="roomy">
            When
          </th>
          <th scope="col" class="number">
            Change
          </th>
          <th scope="col" class="number">
            After
          </th>
          <th scope="col">Why</th>
          <th scope="col" class="roomy">
            By
          </th>
        </tr>
      </thead>
      <tbody>
        <For each={props.changes}>
          {(change) => (
            <tr>
              <td class="roomy muted">{timeWords(change.createTime)}</td>
              <td class="number" classList={{ minus: change.delta < 0, plus: change.delta > 0 }}>
                {signed.format(change.delta)}
              </td>
              <td class="number">{whole.format(change.onHandAfter)}</td>
              <td>
                {changeWords(change.reason)}{" "}
                <Show when={change.orderId}>
                  <a href={`/admin/orders/${change.orderId}`}>{shortNumber(change.orderId)}</a>
                </Show>
                <Show when={change.note}>
                  <span class="muted below">{change.note}</span>
                </Show>
                <span class="muted tight">{timeWords(change.createTime)}</span>
              </td>
              <td class="roomy muted">{actorWords(change)}</td>
            </tr>
          )}
        </For>
      </tbody>
    </table>
  );
}

function actorWords({ actorId, reason }: InventoryChange): string {
  if (actorId === "") return reason === InventoryChangeReason.IMPORTED ? "Operator" : "Shop";
  return actorId === ownerId() ? "You" : "Another admin";
}

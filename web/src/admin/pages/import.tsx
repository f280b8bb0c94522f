// Products from a file: all of it, or nothing and what is wrong with each row.
import { createSignal, createUniqueId, For, Match, Show, Switch } from "solid-js";
import type { ImportProductsResponse } from "../../gen/shopmesh/product/v1/product_service_pb";
import { BadFields } from "../../rpc/errors";
import { products } from "../../rpc/products";
import { createForm, FormError } from "../../ui/form";
import { count } from "../../ui/labels";
import { Page } from "../../ui/page";
import { Alert } from "../../ui/states";
import { whole } from "../labels";

/** The mesh takes messages of 4 MiB. */
const FILE_BYTES_MAX = 4 * 1024 * 1024 - 1024;
const TIMEOUT_MS = 120_000;

export default function Import() {
  const id = createUniqueId();
  const [report, setReport] = createSignal<ImportProductsResponse>();
  let input!: HTMLInputElement;
  const form = createForm(async () => {
    setReport(undefined);
    const file = input.files?.[0];
    if (!file) throw new BadFields({ file: "Choose a file first." });
    if (file.size > FILE_BYTES_MAX) {
      throw new BadFields({ file: "It has more than 4 MB: split it into several." });
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    setReport(await products.importProducts({ file: bytes }, { timeoutMs: TIMEOUT_MS }));
  });
  return (
    <Page
      title="Import catalogue"
      lead={
        <p class="back">
          <a href="/admin/inventory">All products</a>
        </p>
      }
    >
      <form class="panel" noValidate onSubmit={form.submit}>
        <div class="field">
          <label for={id}>File</label>
          <input
            ref={input}
            id={id}
            type="file"
            accept=".csv,.json,text/csv,application/json"
            aria-invalid={form.fieldError("file") ? "true" : undefined}
            aria-describedby={`${id}-hint ${id}-error`}
            onChange={() => setReport(undefined)}
          />
          <p id={`${id}-hint`} class="hint">
            CSV with a header line, or a JSON array. Products are found by SKU: new ones are added,
            others changed, and those that the file does not have stay as they are.
          </p>
          <Show when={form.fieldError("file")}>
            {(error) => (
              <p id={`${id}-error`} class="field-error" role="alert">
                {error()}
              </p>
            )}
          </Show>
        </div>
        <FormError form={form} />
        <div class="row">
          <button type="submit" aria-disabled={form.busy()}>
            Import
          </button>
          <p class="hint" role="status">
            {form.busy() ? "Reading every row…" : "All rows are taken, or none where one is bad."}
          </p>
        </div>
      </form>
      <Show when={report()}>{(report) => <Report of={report()} />}</Show>
      <section class="panel" aria-labelledby="columns">
        <h2 id="columns">What a row has</h2>
        <p>
          <code>sku</code>, <code>name</code>, <code>category</code>, <code>price</code> (such as{" "}
          <code>24.90</code>) and <code>currency</code>; and, where wanted, <code>slug</code>,{" "}
          <code>description</code>, <code>image_url</code>, <code>on_hand</code> and{" "}
          <code>low_stock_threshold</code>.
        </p>
      </section>
    </Page>
  );
}

function Report(props: { of: ImportProductsResponse }) {
  return (
    <Switch>
      <Match when={props.of.badRows.length > 0}>
        <Alert>
          <p>
            Nothing was imported: {count(props.of.badRows.length, "row needs", "rows need")} another
            look.
          </p>
        </Alert>
        <table class="data" aria-label="Rows that need another look">
          <thead>
            <tr>
              <th scope="col" class="number">
                Line
              </th>
              <th scope="col">What is wrong</th>
            </tr>
          </thead>
          <tbody>
            <For each={props.of.badRows}>
              {({ line, problem }) => (
                <tr>
                  <td class="number">{line}</td>
                  <td>{problem}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </Match>
      <Match when={props.of.badRows.length === 0}>
        <section aria-label="Report" class="stack">
          <p role="status">Done: every row was taken.</p>
          <dl class="figures">
            <div>
              <dt>New</dt>
              <dd>{whole.format(props.of.createdCount)}</dd>
            </div>
            <div>
              <dt>Changed</dt>
              <dd>{whole.format(props.of.updatedCount)}</dd>
            </div>
            <div>
              <dt>As before</dt>
              <dd>{whole.format(props.of.unchangedCount)}</dd>
            </div>
          </dl>
        </section>
      </Match>
    </Switch>
  );
}

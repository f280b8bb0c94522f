// Imports products from a file: either all of its rows or none, with the problem of each bad row.
import { createSignal, createUniqueId, For, Show } from "solid-js";
import type { ImportProductsResponse } from "../../gen/shopmesh/product/v1/product_service_pb";
import { InvalidFieldsError } from "../../rpc/errors";
import { products } from "../../rpc/products";
import { describedBy, FieldFrame } from "../../ui/field";
import { createForm, FormError, SubmitRow } from "../../ui/form";
import { BackLink } from "../../ui/link";
import { Page } from "../../ui/page";
import { Alert } from "../../ui/states";
import { formatCount } from "../../util/format";
import { Figures } from "../figures";
import { wholeNumber } from "../labels";
import { TableHead } from "../rows";

/** The method accepts requests of 16 MiB. */
const FILE_BYTES_MAX = 16 * 1024 * 1024 - 1024;
const TIMEOUT_MS = 120_000;

export default function Import() {
  const id = createUniqueId();
  const [report, setReport] = createSignal<ImportProductsResponse>();
  let input!: HTMLInputElement;
  const form = createForm(async () => {
    setReport(undefined);
    const file = await readFile(input.files?.[0]);
    setReport(await products.importProducts({ file }, { timeoutMs: TIMEOUT_MS }));
  });
  return (
    <Page title="Import catalogue" lead={<BackLink to="/admin/inventory" text="All products" />}>
      <form class="panel" noValidate onSubmit={form.submit}>
        <FieldFrame
          id={id}
          label="File"
          hint={
            "CSV with a header line, or a JSON array. Products are matched by SKU: new ones are " +
            "added, existing ones are changed, and products that are not in the file stay as they are."
          }
          error={form.fieldError("file")}
        >
          <input
            ref={input}
            id={id}
            type="file"
            accept=".csv,.json,text/csv,application/json"
            aria-invalid={form.fieldError("file") ? "true" : undefined}
            aria-describedby={describedBy(id)}
            onChange={() => setReport(undefined)}
          />
        </FieldFrame>
        <FormError form={form} />
        <SubmitRow
          form={form}
          label="Import"
          status={
            form.busy() ? "Importing…" : "All rows are imported, or none if one of them is invalid."
          }
        />
      </form>
      <Show when={report()}>{(report) => <Report report={report()} />}</Show>
      <ColumnHelp />
    </Page>
  );
}

async function readFile(file: File | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (!file) throw new InvalidFieldsError({ file: "Choose a file first." });
  if (file.size > FILE_BYTES_MAX) {
    throw new InvalidFieldsError({
      file: "This file is larger than 16 MB: split it into several.",
    });
  }
  return new Uint8Array(await file.arrayBuffer());
}

function ColumnHelp() {
  return (
    <section class="panel" aria-labelledby="columns">
      <h2 id="columns">Columns</h2>
      <p>
        <code>sku</code>, <code>name</code>, <code>category</code>, <code>price</code> (such as{" "}
        <code>24.90</code>) and <code>currency</code>; optional: <code>slug</code>,{" "}
        <code>description</code>, <code>image_url</code>, <code>on_hand</code> and{" "}
        <code>low_stock_threshold</code>.
      </p>
    </section>
  );
}

const BAD_ROW_COLUMNS = [{ heading: "Line", class: "number" }, { heading: "Problem" }];

function Report(props: { report: ImportProductsResponse }) {
  return (
    <Show when={props.report.badRows.length > 0} fallback={<Counts report={props.report} />}>
      <Alert>
        <p>
          {hasCounts(props.report) ? "The other rows were imported" : "Nothing was imported"}:{" "}
          {formatCount(props.report.badRows.length, "row has a problem", "rows have problems")}.
        </p>
      </Alert>
      <table class="data" aria-label="Rows with problems">
        <TableHead columns={BAD_ROW_COLUMNS} />
        <tbody>
          <For each={props.report.badRows}>
            {({ line, problem }) => (
              <tr>
                <td class="number">{line}</td>
                <td>{problem}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </Show>
  );
}

/** Whether rows were imported although others have problems, since those appeared meanwhile. */
function hasCounts(report: ImportProductsResponse): boolean {
  return report.createdCount + report.updatedCount + report.unchangedCount > 0;
}

function Counts(props: { report: ImportProductsResponse }) {
  return (
    <section aria-label="Report" class="stack">
      <p role="status">Done: all rows were imported.</p>
      <Figures
        figures={[
          ["New", wholeNumber.format(props.report.createdCount)],
          ["Changed", wholeNumber.format(props.report.updatedCount)],
          ["Unchanged", wholeNumber.format(props.report.unchangedCount)],
        ]}
      />
    </section>
  );
}

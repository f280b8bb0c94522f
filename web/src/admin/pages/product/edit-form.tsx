// Edits a product. If someone else has changed it in the meantime, the mesh rejects the update
// (optimistic concurrency), and the form shows both values of each field that differs.
import { type Accessor, createSignal, For, Show } from "solid-js";
import type { Product } from "../../../gen/shopmesh/product/v1/product_service_pb";
import { reasonOf } from "../../../rpc/errors";
import { products } from "../../../rpc/products";
import { createForm, FormError, SubmitRow } from "../../../ui/form";
import { Picture } from "../../../ui/picture";
import { Alert } from "../../../ui/states";
import {
  asFieldError,
  changedFields,
  draftOf,
  LABELS,
  mergeDrafts,
  type ProductDraft,
  productOf,
} from "./draft";
import { ProductFields } from "./fields";
import { SaleForm } from "./sale-form";

type ChangeHandler = (product: Product) => void;

export function EditForm(props: { product: Product; onChange: ChangeHandler }) {
  const edit = createEdit(props.product, props.onChange);
  const { form, draft, base, conflict } = edit;
  return (
    <div class="stack">
      <form class="panel product-form" noValidate onSubmit={form.submit}>
        <Picture url={draft().image_url} />
        <ProductFields form={form} draft={draft()} onInput={edit.change} />
        <Show when={conflict()} fallback={<FormError form={form} />}>
          {(current) => (
            <Conflict
              mine={draft()}
              current={draftOf(current())}
              useCurrent={() => edit.accept(current())}
            />
          )}
        </Show>
        <SubmitRow
          form={form}
          label="Save product"
          status={<Show when={edit.saved()}>Saved.</Show>}
        />
      </form>
      <SaleForm
        product={base()}
        onChange={(product) => {
          edit.setBase(product);
          props.onChange(product);
        }}
      />
    </div>
  );
}

/** The state of the form: the draft, and the version of the product that it started from. */
function createEdit(product: Product, onChange: ChangeHandler) {
  const [draft, setDraft] = createSignal(draftOf(product));
  const [base, setBase] = createSignal(product);
  const [conflict, setConflict] = createSignal<Product>();
  const [saved, setSaved] = createSignal(false);

  const accept = (product: Product | undefined) => {
    if (!product) return;
    setConflict(undefined);
    setBase(product);
    setDraft(draftOf(product));
    onChange(product);
  };
  const loadConflict = async () => {
    const { product } = await products.getAnyProduct({ productId: base().productId });
    if (!product) return;
    setDraft(mergeDrafts(draftOf(base()), draftOf(product), draft()));
    setConflict(product);
    setBase(product);
  };
  const form = createForm(async () => {
    setSaved(false);
    const paths = changedFields(draft(), draftOf(base()));
    if (paths.length > 0) await update(base, draft, paths).then(accept, handleError);
    setSaved(true);
  });
  const handleError = async (error: unknown) => {
    if (reasonOf(error) === "STALE_ETAG") await loadConflict();
    throw asFieldError(error);
  };
  const change = (draft: ProductDraft) => {
    setSaved(false);
    setDraft(draft);
  };
  return { form, draft, base, setBase, conflict, saved, change, accept } as const;
}

async function update(
  base: Accessor<Product>,
  draft: Accessor<ProductDraft>,
  paths: string[],
): Promise<Product | undefined> {
  const { productId, etag } = base();
  const product = { ...(await productOf(draft())), productId, etag };
  return (await products.updateProduct({ product, updateMask: { paths } })).product;
}

function Conflict(props: { mine: ProductDraft; current: ProductDraft; useCurrent: () => void }) {
  return (
    <Alert>
      <p>Not saved: someone else changed this product in the meantime.</p>
      <ul>
        <For each={changedFields(props.mine, props.current)}>
          {(field) => (
            <li>
              {LABELS[field]}: it is “{props.current[field]}” now, you typed “{props.mine[field]}”.
            </li>
          )}
        </For>
      </ul>
      <p>Save again to replace it with yours.</p>
      <button type="button" class="quiet" onClick={() => props.useCurrent()}>
        Use the current values
      </button>
    </Alert>
  );
}

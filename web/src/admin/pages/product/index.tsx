// Creates or edits a product, or takes it off sale.
import { createSignal, Show } from "solid-js";
import { navigate } from "../../../router";
import { isNotFound } from "../../../rpc/errors";
import { createLoad } from "../../../rpc/load";
import { products } from "../../../rpc/products";
import { createForm, FormError, SubmitRow } from "../../../ui/form";
import { BackLink } from "../../../ui/link";
import { NotFoundPage, Page } from "../../../ui/page";
import { Loaded } from "../../../ui/states";
import { createIdempotentSubmit } from "../../idempotent-submit";
import { RowsSkeleton } from "../../rows";
import { asFieldError, EMPTY_DRAFT, productOf } from "./draft";
import { EditForm } from "./edit-form";
import { ProductFields } from "./fields";

export default function EditProduct(props: { productId?: string }) {
  return (
    <Show when={props.productId} fallback={<NewProduct />}>
      {(productId) => <ExistingProduct productId={productId()} />}
    </Show>
  );
}

function NewProduct() {
  const [draft, setDraft] = createSignal(EMPTY_DRAFT);
  const submit = createIdempotentSubmit();
  const form = createForm(async () => {
    const product = await productOf(draft());
    const response = await submit((requestId) =>
      products.createProduct({ product, requestId }),
    ).catch((error) => Promise.reject(asFieldError(error)));
    navigate(`/admin/inventory/${response.product?.productId}`, { replace: true });
  });
  return (
    <Page title="New product" lead={<BackLink to="/admin/inventory" text="All products" />}>
      <form class="panel product-form" noValidate onSubmit={form.submit}>
        <ProductFields form={form} draft={draft()} onInput={setDraft} isNew />
        <FormError form={form} />
        <SubmitRow
          form={form}
          label="Add product"
          status="A new product has no stock. You can set it on the next page."
        />
      </form>
    </Page>
  );
}

function ExistingProduct(props: { productId: string }) {
  const key = { productId: props.productId };
  const load = createLoad(
    async (signal) => (await products.getAnyProduct(key, { signal })).product,
  );
  return (
    <Show
      when={!isNotFound(load.error())}
      fallback={
        <NotFoundPage
          title="Product not found"
          text="There is no such product."
          lead={<BackLink to="/admin/inventory" text="All products" />}
        />
      }
    >
      <Page
        title={`Edit ${load.data()?.name ?? "product"}`}
        lead={<BackLink to={`/admin/inventory/${props.productId}`} text="Stock of this product" />}
      >
        <Loaded load={load} skeleton={<RowsSkeleton />}>
          {(product) => <EditForm product={product()} onChange={load.setData} />}
        </Loaded>
      </Page>
    </Show>
  );
}

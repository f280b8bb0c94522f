// A new product, or one to change or take off sale.
import { createSignal, For, Show } from "solid-js";
import type { Product } from "../../../gen/shopmesh/product/v1/product_service_pb";
import { navigate } from "../../../router";
import { BadFields, reasonOf, wordsFor } from "../../../rpc/errors";
import { createLoad, type Load } from "../../../rpc/load";
import { products } from "../../../rpc/products";
import { ActionError, createAction } from "../../../ui/action";
import { Field, TextArea } from "../../../ui/field";
import { createForm, FormError } from "../../../ui/form";
import { Page } from "../../../ui/page";
import { Picture } from "../../../ui/picture";
import { Alert, Loaded } from "../../../ui/states";
import { amountOf, moneyOf } from "../../../util/money";
import { parsed, shopCurrency, typed } from "../../amount";
import { createOnce } from "../../idempotent-submit";
import { Rows } from "../../rows";

/** What can be written of a product, by the name of its field, as it stands in the form. */
const FIELDS = ["name", "sku", "category", "price", "slug", "image_url", "description"] as const;
type FieldName = (typeof FIELDS)[number];
type Draft = Record<FieldName, string>;

const LABELS: Record<FieldName, string> = {
  name: "Name",
  sku: "SKU",
  category: "Category",
  price: "Price",
  slug: "Name in its address",
  image_url: "Picture",
  description: "Description",
};

const EMPTY: Draft = {
  name: "",
  sku: "",
  category: "",
  price: "",
  slug: "",
  image_url: "",
  description: "",
};

function draftOf(product: Product): Draft {
  const { name, sku, category, slug, description } = product;
  const price = typed(amountOf(product.price));
  return { name, sku, category, price, slug, image_url: product.imageUrl, description };
}

async function productOf(draft: Draft) {
  const price = parsed(draft.price, await shopCurrency());
  if (!price) throw new BadFields({ "product.price": "Write an amount such as 12.50." });
  const { image_url: imageUrl, ...rest } = draft;
  return { ...rest, imageUrl, price: moneyOf(price) };
}

export default function EditProduct(props: { productId?: string }) {
  return (
    <Show when={props.productId} fallback={<New />}>
      {(productId) => <Existing productId={productId()} />}
    </Show>
  );
}

function New() {
  const [draft, setDraft] = createSignal(EMPTY);
  const once = createOnce();
  const form = createForm(async () => {
    const product = await productOf(draft());
    const send = (requestId: string) => products.createProduct({ product, requestId });
    const answer = await once(send).catch((error) => Promise.reject(beside(error)));
    navigate(`/admin/inventory/${answer.product?.productId}`, { replace: true });
  });
  return (
    <Page title="New product" lead={<Back to="/admin/inventory" words="All products" />}>
      <form class="panel product-form" noValidate onSubmit={form.submit}>
        <Fields
          draft={draft()}
          onInput={setDraft}
          error={(field) => form.fieldError(`product.${field}`)}
          isNew
        />
        <FormError form={form} />
        <div class="row">
          <button type="submit" aria-disabled={form.busy()}>
            Add product
          </button>
          <p class="hint">There is none in stock at first: set that next.</p>
        </div>
      </form>
    </Page>
  );
}

function Existing(props: { productId: string }) {
  const key = { productId: props.productId };
  const load = createLoad(
    async (signal) => (await products.getAnyProduct(key, { signal })).product,
  );
  const unknown = () => ["PRODUCT_NOT_FOUND", "VALIDATION_FAILED"].includes(reasonOf(load.error()));
  return (
    <Show
      when={!unknown()}
      fallback={
        <Page title="Product not found" lead={<Back to="/admin/inventory" words="All products" />}>
          <p>There is no such product.</p>
        </Page>
      }
    >
      <Page
        title={`Edit ${load.data()?.name ?? "product"}`}
        lead={<Back to={`/admin/inventory/${props.productId}`} words="Its stock" />}
      >
        <Loaded of={load} skeleton={<Rows />}>
          {(product) => <Edit product={product()} load={load} />}
        </Loaded>
      </Page>
    </Show>
  );
}

function Edit(props: { product: Product; load: Load<Product | undefined> }) {
  const [draft, setDraft] = createSignal(draftOf(props.product));
  // What the person began with: a change of somebody else is refused, and told field by field.
  const [base, setBase] = createSignal(props.product);
  const [theirs, setTheirs] = createSignal<Product>();
  const [saved, setSaved] = createSignal(false);
  const change = (draft: Draft) => {
    setSaved(false);
    setDraft(draft);
  };

  const form = createForm(async () => {
    setSaved(false);
    const before = draftOf(base());
    const paths = FIELDS.filter((field) => draft()[field] !== before[field]);
    if (paths.length === 0) {
      setSaved(true);
      return;
    }
    const { productId, etag } = base();
    const product = { ...(await productOf(draft())), productId, etag };
    try {
      take((await products.updateProduct({ product, updateMask: { paths } })).product);
      setSaved(true);
    } catch (error) {
      if (reasonOf(error) === "STALE_ETAG") await lookAgain();
      throw beside(error);
    }
  });
  const take = (product: Product | undefined) => {
    if (!product) return;
    setTheirs(undefined);
    setBase(product);
    setDraft(draftOf(product));
    props.load.put(product);
  };
  const lookAgain = async () => {
    const { product } = await products.getAnyProduct({ productId: base().productId });
    if (!product) return;
    // What the person left alone follows; the rest is theirs to decide.
    const [before, now, mine] = [draftOf(base()), draftOf(product), draft()];
    const merged = FIELDS.map((field) => [
      field,
      mine[field] === before[field] ? now[field] : mine[field],
    ]);
    setDraft(Object.fromEntries(merged) as Draft);
    setTheirs(product);
    setBase(product);
  };

  const sale = createAction(async () => {
    const { productId } = base();
    const { product } = base().archived
      ? await products.updateProduct({
          product: { productId, archived: false },
          updateMask: { paths: ["archived"] },
        })
      : await products.archiveProduct({ productId });
    if (!product) return;
    setBase(product);
    props.load.put(product);
  });

  return (
    <div class="stack">
      <form class="panel product-form" noValidate onSubmit={form.submit}>
        <Picture url={draft().image_url} />
        <Fields
          draft={draft()}
          onInput={change}
          error={(field) => form.fieldError(`product.${field}`)}
        />
        <Show when={theirs()} fallback={<FormError form={form} />}>
          {(theirs) => (
            <Differences mine={draft()} theirs={draftOf(theirs())} take={() => take(theirs())} />
          )}
        </Show>
        <div class="row">
          <button type="submit" aria-disabled={form.busy()}>
            Save product
          </button>
          <p class="hint" role="status">
            <Show when={saved()}>Saved.</Show>
          </p>
        </div>
      </form>
      <section class="panel" aria-labelledby="sale">
        <h2 id="sale">{base().archived ? "Off sale" : "On sale"}</h2>
        <p>
          {base().archived
            ? "Customers do not see it. Its orders, stock and ledger stay."
            : "Customers see it and can buy it while there is stock."}
        </p>
        <ActionError of={sale} />
        <div class="row">
          <button
            type="button"
            class={base().archived ? "quiet" : "danger"}
            aria-disabled={sale.busy()}
            onClick={() => sale.run()}
          >
            {base().archived ? "Put back on sale" : "Archive"}
          </button>
        </div>
      </section>
    </div>
  );
}

function Differences(props: { mine: Draft; theirs: Draft; take: () => void }) {
  const different = () => FIELDS.filter((field) => props.mine[field] !== props.theirs[field]);
  return (
    <Alert>
      <p>Not saved: somebody else changed this product meanwhile.</p>
      <ul>
        <For each={different()}>
          {(field) => (
            <li>
              {LABELS[field]}: it is “{props.theirs[field]}” now, you typed “{props.mine[field]}”.
            </li>
          )}
        </For>
      </ul>
      <p>Save again to put yours in its place.</p>
      <button type="button" class="quiet" onClick={() => props.take()}>
        Take what is there
      </button>
    </Alert>
  );
}

/** What another product has is told beside its field. */
function beside(error: unknown): unknown {
  const taken = { SKU_TAKEN: "sku", SLUG_TAKEN: "slug" }[reasonOf(error)];
  return taken ? new BadFields({ [`product.${taken}`]: wordsFor(error) }) : error;
}

function Fields(props: {
  draft: Draft;
  onInput: (draft: Draft) => void;
  error: (field: FieldName) => string | undefined;
  isNew?: boolean;
}) {
  const categories = createLoad(async (signal) => products.listCategories({}, { signal }));
  const field = (name: FieldName) => ({
    label: LABELS[name],
    value: props.draft[name],
    onInput: (value: string) => props.onInput({ ...props.draft, [name]: value }),
    error: props.error(name),
  });
  return (
    <>
      <Field {...field("name")} class="full" />
      <Field {...field("sku")} />
      <Field {...field("price")} />
      <Field
        {...field("category")}
        suggestions={(categories.data()?.categories ?? []).map(({ slug }) => slug)}
      />
      <Field {...field("slug")} hint={props.isNew ? "Left empty, it is made from the name." : ""} />
      <Field {...field("image_url")} hint="A path under /images/, or nothing." class="full" />
      <TextArea {...field("description")} rows={5} class="full" />
    </>
  );
}

function Back(props: { to: string; words: string }) {
  return (
    <p class="back">
      <a href={props.to}>{props.words}</a>
    </p>
  );
}

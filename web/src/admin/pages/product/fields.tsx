// The form fields of a product.
import { createLoad } from "../../../rpc/load";
import { products } from "../../../rpc/products";
import { Field, TextArea } from "../../../ui/field";
import type { Form } from "../../../ui/form";
import { type FieldName, LABELS, type ProductDraft } from "./draft";

export function ProductFields(props: {
  form: Form;
  draft: ProductDraft;
  onInput: (draft: ProductDraft) => void;
  isNew?: boolean;
}) {
  const categories = createLoad(async (signal) => products.listCategories({}, { signal }));
  const field = (name: FieldName) => ({
    label: LABELS[name],
    value: props.draft[name],
    onInput: (value: string) => props.onInput({ ...props.draft, [name]: value }),
    error: props.form.fieldError(`product.${name}`),
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
      <Field
        {...field("slug")}
        hint={props.isNew ? "If this is empty, it is made from the name." : ""}
      />
      <Field {...field("image_url")} hint="A path under /images/, or empty." class="full" />
      <TextArea {...field("description")} rows={5} class="full" />
    </>
  );
}

// The fields of a product as text in a form.
import type { Product } from "../../../gen/shopmesh/product/v1/product_service_pb";
import { errorMessage, InvalidFieldsError, reasonOf } from "../../../rpc/errors";
import { amountOf, moneyOf } from "../../../util/money";
import { amountText, parseAmount, shopCurrency } from "../../amount";

/** The fields that an admin can change, by their names in the contract. */
export const FIELDS = [
  "name",
  "sku",
  "category",
  "price",
  "slug",
  "image_url",
  "description",
] as const;
export type FieldName = (typeof FIELDS)[number];
export type ProductDraft = Record<FieldName, string>;

export const LABELS: Record<FieldName, string> = {
  name: "Name",
  sku: "SKU",
  category: "Category",
  price: "Price",
  slug: "Name in the address",
  image_url: "Picture",
  description: "Description",
};

export const EMPTY_DRAFT: ProductDraft = {
  name: "",
  sku: "",
  category: "",
  price: "",
  slug: "",
  image_url: "",
  description: "",
};

export function draftOf(product: Product): ProductDraft {
  const { name, sku, category, slug, description } = product;
  const price = amountText(amountOf(product.price));
  return { name, sku, category, price, slug, image_url: product.imageUrl, description };
}

export async function productOf(draft: ProductDraft) {
  const price = parseAmount(draft.price, await shopCurrency());
  if (!price) throw new InvalidFieldsError({ "product.price": "Enter an amount such as 12.50." });
  const { image_url: imageUrl, ...rest } = draft;
  return { ...rest, imageUrl, price: moneyOf(price) };
}

/** Turns an error about a value that another product has into an error of its field. */
export function asFieldError(error: unknown): unknown {
  const field = { SKU_TAKEN: "sku", SLUG_TAKEN: "slug" }[reasonOf(error)];
  return field ? new InvalidFieldsError({ [`product.${field}`]: errorMessage(error) }) : error;
}

/**
 * Keeps the fields that the person changed since `base`, and takes all others from `current`, which
 * someone else has saved.
 */
export function mergeDrafts(
  base: ProductDraft,
  current: ProductDraft,
  mine: ProductDraft,
): ProductDraft {
  const merged = FIELDS.map((field) => [
    field,
    mine[field] === base[field] ? current[field] : mine[field],
  ]);
  return Object.fromEntries(merged) as ProductDraft;
}

export function changedFields(one: ProductDraft, other: ProductDraft): FieldName[] {
  return FIELDS.filter((field) => one[field] !== other[field]);
}

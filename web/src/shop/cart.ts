// The cart, stored in the browser. It is the same in every tab, and is stored at each change.

import { type Amount, amountOf, multiply, sum } from "../util/money";
import { createStored } from "../util/stored";
import type { ProductSummary } from "./product-summary";

export const QUANTITY_MAX = 99;
export const LINE_ITEMS_MAX = 50;

/** A product in the cart, as the person saw it when they added it. */
export interface LineItem {
  productId: string;
  slug: string;
  name: string;
  imageUrl: string;
  price: Amount;
  quantity: number;
}

const cart = createStored<LineItem[]>("shopmesh.cart", (json) =>
  Array.isArray(json) ? (json as LineItem[]).filter(isLineItem) : [],
);

function isLineItem(item: LineItem): boolean {
  return typeof item?.productId === "string" && Number.isInteger(item.quantity);
}

export const lineItems = cart.value;

export function quantityOf(items: LineItem[]): number {
  return items.reduce((total, { quantity }) => total + quantity, 0);
}

export function cartTotal(): Amount {
  return sum(lineItems().map(({ price, quantity }) => multiply(price, quantity)));
}

export function clampQuantity(quantity: number): number {
  return Math.min(QUANTITY_MAX, Math.max(1, Math.trunc(quantity) || 1));
}

/** Returns false if the cart has no room for another product. */
export function addToCart(product: ProductSummary, quantity: number): boolean {
  const items = cart.read();
  const existing = items.find(({ productId }) => productId === product.productId);
  if (!existing && items.length >= LINE_ITEMS_MAX) return false;
  const added: LineItem = {
    productId: product.productId,
    slug: product.slug,
    name: product.name,
    imageUrl: product.imageUrl,
    price: amountOf(product.price),
    quantity: clampQuantity((existing?.quantity ?? 0) + quantity),
  };
  cart.set(existing ? items.map((item) => (item === existing ? added : item)) : [...items, added]);
  return true;
}

export function setQuantity(productId: string, quantity: number): void {
  update(productId, (item) => ({ ...item, quantity: clampQuantity(quantity) }));
}

export function acceptPrice(productId: string, price: Amount): void {
  update(productId, (item) => ({ ...item, price }));
}

export function removeFromCart(productId: string): void {
  cart.set(cart.read().filter((item) => item.productId !== productId));
}

/** Subtracts what was ordered. What was added to the cart since then stays. */
export function removeOrdered(ordered: { productId: string; quantity: number }[]): void {
  const remaining = cart.read().map((item) => {
    const found = ordered.find(({ productId }) => productId === item.productId);
    return { ...item, quantity: item.quantity - (found?.quantity ?? 0) };
  });
  cart.set(remaining.filter(({ quantity }) => quantity > 0));
}

function update(productId: string, change: (item: LineItem) => LineItem): void {
  cart.set(cart.read().map((item) => (item.productId === productId ? change(item) : item)));
}

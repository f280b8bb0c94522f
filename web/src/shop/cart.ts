// What the person means to buy: kept in the browser, the same in every tab, written at once.

import type { Shown } from "../rpc/first";
import { type Amount, amountOf } from "../util/money";
import { stored } from "../util/stored";

export const QUANTITY_MAX = 99;
export const LINES_MAX = 50;

/** A line of the cart, with what the person was shown when it came in. */
export interface Line {
  productId: string;
  slug: string;
  name: string;
  imageUrl: string;
  price: Amount;
  quantity: number;
}

const cart = stored<Line[]>("shopmesh.cart", (parsed) =>
  Array.isArray(parsed) ? (parsed as Line[]).filter(isLine) : [],
);

function isLine(line: Line): boolean {
  return typeof line?.productId === "string" && Number.isInteger(line.quantity);
}

export const lines = cart.value;
export const linesNow = cart.now;

export function countOf(of: Line[]): number {
  return of.reduce((count, { quantity }) => count + quantity, 0);
}

export function clampQuantity(quantity: number): number {
  return Math.min(QUANTITY_MAX, Math.max(1, Math.trunc(quantity) || 1));
}

/** False where the cart has no room for another line. */
export function add(product: Shown, quantity: number): boolean {
  const now = cart.now();
  const there = now.find(({ productId }) => productId === product.productId);
  if (!there && now.length >= LINES_MAX) return false;
  const line: Line = {
    productId: product.productId,
    slug: product.slug,
    name: product.name,
    imageUrl: product.imageUrl,
    price: amountOf(product.price),
    quantity: clampQuantity((there?.quantity ?? 0) + quantity),
  };
  cart.set(there ? now.map((old) => (old === there ? line : old)) : [...now, line]);
  return true;
}

export function setQuantity(productId: string, quantity: number): void {
  change(productId, (line) => ({ ...line, quantity: clampQuantity(quantity) }));
}

/** The person has seen the new price and takes it. */
export function acceptPrice(productId: string, price: Amount): void {
  change(productId, (line) => ({ ...line, price }));
}

export function remove(productId: string): void {
  cart.set(cart.now().filter((line) => line.productId !== productId));
}

/** What was ordered leaves the cart; what was put in meanwhile stays. */
export function takeOut(items: { productId: string; quantity: number }[]): void {
  const left = cart.now().map((line) => {
    const item = items.find(({ productId }) => productId === line.productId);
    return { ...line, quantity: line.quantity - (item?.quantity ?? 0) };
  });
  cart.set(left.filter(({ quantity }) => quantity > 0));
}

function change(productId: string, to: (line: Line) => Line): void {
  cart.set(cart.now().map((line) => (line.productId === productId ? to(line) : line)));
}

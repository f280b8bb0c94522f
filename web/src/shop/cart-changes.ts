// What the shop says now against what the person was shown: prices that moved, goods that are gone.
import { type Accessor, createMemo } from "solid-js";
import { type Product, StockState } from "../gen/shopmesh/product/v1/product_service_pb";
import { createLoad, type Load } from "../rpc/load";
import { products } from "../rpc/products";
import { amountOf, same, written } from "../util/money";
import { acceptPrice, type Line, lines, remove, setQuantity } from "./cart";

/** A difference, in words, and what taking it does to the cart. */
export interface Change {
  productId: string;
  words: string;
  accept(): void;
}

export type Shop = Map<string, Product>;

/** The products of the cart as they are now. */
export function createShop(): Load<Shop> {
  const ids = createMemo(() => lines().map(({ productId }) => productId), undefined, {
    equals: (before, now) => before.join() === now.join(),
  });
  return createLoad(async (signal) => {
    const productIds = ids();
    if (productIds.length === 0) return new Map();
    const answer = await products.batchGetProducts({ productIds }, { signal });
    return new Map(answer.products.map((product) => [product.productId, product]));
  });
}

/** `left` says of some products how many there are, where a refusal told it. */
export function changesOf(
  shop: Accessor<Shop | undefined>,
  left: Accessor<Record<string, number>>,
): Change[] {
  const now = shop();
  return lines().flatMap((line) => changeOf(line, now, left()[line.productId]) ?? []);
}

function changeOf(line: Line, shop: Shop | undefined, left?: number): Change | undefined {
  const { productId, name, quantity } = line;
  const product = shop?.get(productId);
  if (shop && !product) {
    return {
      productId,
      words: `${name} is not for sale any more.`,
      accept: () => remove(productId),
    };
  }
  if (left === 0 || product?.stockState === StockState.OUT_OF_STOCK) {
    return { productId, words: `${name} is sold out.`, accept: () => remove(productId) };
  }
  const few = left !== undefined && left < quantity ? left : undefined;
  const price = product ? amountOf(product.price) : line.price;
  const moved = !same(price, line.price);
  if (few === undefined && !moved) return undefined;
  const words = [
    few === undefined ? "" : `Of ${name} there are only ${few} left, not ${quantity}.`,
    moved ? `${name} costs ${written(price)} now, it was ${written(line.price)}.` : "",
  ];
  return {
    productId,
    words: words.join(" ").trim(),
    accept() {
      if (few !== undefined) setQuantity(productId, few);
      if (moved) acceptPrice(productId, price);
    },
  };
}

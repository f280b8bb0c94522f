// Compares the cart with the catalogue: products that are no longer available or sold out, and
// prices that have changed since the person saw them.
import { type Accessor, createMemo } from "solid-js";
import { type Product, StockState } from "../gen/shopmesh/product/v1/product_service_pb";
import { createLoad, type Load } from "../rpc/load";
import { products } from "../rpc/products";
import { type Amount, amountOf, formatAmount, isSameAmount } from "../util/money";
import { acceptPrice, type LineItem, lineItems, removeFromCart, setQuantity } from "./cart";

export interface CartChange {
  productId: string;
  message: string;
  /** Applies the change to the cart. */
  accept(): void;
}

export type CurrentProducts = Map<string, Product>;

/** Loads the current products of the cart. */
export function createCurrentProducts(): Load<CurrentProducts> {
  const ids = createMemo(() => lineItems().map(({ productId }) => productId), undefined, {
    equals: (before, now) => before.join() === now.join(),
  });
  return createLoad(async (signal) => {
    const productIds = ids();
    if (productIds.length === 0) return new Map();
    const response = await products.batchGetProducts({ productIds }, { signal });
    return new Map(response.products.map((product) => [product.productId, product]));
  });
}

/** `available` has the available quantities that a rejected checkout reported, by product id. */
export function cartChanges(
  current: Accessor<CurrentProducts | undefined>,
  available: Accessor<Record<string, number>>,
): CartChange[] {
  const catalogue = current();
  return lineItems().flatMap(
    (item) => changeOf(item, catalogue, available()[item.productId]) ?? [],
  );
}

function changeOf(
  item: LineItem,
  catalogue: CurrentProducts | undefined,
  available: number | undefined,
): CartChange | undefined {
  const { productId, name } = item;
  const product = catalogue?.get(productId);
  const accept = () => removeFromCart(productId);
  if (catalogue && !product) {
    return { productId, message: `${name} is no longer available.`, accept };
  }
  if (available === 0 || product?.stockState === StockState.OUT_OF_STOCK) {
    return { productId, message: `${name} is sold out.`, accept };
  }
  const price = product ? amountOf(product.price) : item.price;
  return quantityOrPriceChange(item, available, price);
}

function quantityOrPriceChange(
  { productId, name, quantity, price: seenPrice }: LineItem,
  available: number | undefined,
  price: Amount,
): CartChange | undefined {
  const reduced = available !== undefined && available < quantity ? available : undefined;
  const priceChanged = !isSameAmount(price, seenPrice);
  if (reduced === undefined && !priceChanged) return undefined;
  const messages = [
    reduced === undefined ? "" : `${name}: only ${reduced} left, not ${quantity}.`,
    priceChanged
      ? `${name} costs ${formatAmount(price)} now, it was ${formatAmount(seenPrice)}.`
      : "",
  ];
  return {
    productId,
    message: messages.join(" ").trim(),
    accept() {
      if (reduced !== undefined) setQuantity(productId, reduced);
      if (priceChanged) acceptPrice(productId, price);
    },
  };
}

// The part of a product that the storefront shows.
import type { Money } from "../gen/google/type/money_pb";
import type { Product } from "../gen/shopmesh/product/v1/product_service_pb";

export type ProductSummary = Pick<
  Product,
  "productId" | "slug" | "name" | "description" | "category" | "imageUrl" | "stockState" | "sku"
> & { price?: Pick<Money, "currencyCode" | "units" | "nanos"> | undefined };

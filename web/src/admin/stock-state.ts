// The stock state of a product, from its quantities.
import type { Inventory } from "../gen/shopmesh/product/v1/inventory_service_pb";
import { StockState } from "../gen/shopmesh/product/v1/product_service_pb";

/** Follows the definition of `StockState` in the contract. */
export function stockStateOf({ available, lowStockThreshold }: Inventory): StockState {
  if (available <= 0) return StockState.OUT_OF_STOCK;
  return available <= lowStockThreshold ? StockState.LOW_STOCK : StockState.IN_STOCK;
}

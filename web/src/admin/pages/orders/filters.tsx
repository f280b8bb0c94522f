// The filters of the list of orders, and the request for them.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ListAllOrdersRequestSchema } from "../../../gen/shopmesh/order/v1/order_admin_service_pb";
import { OrderState } from "../../../gen/shopmesh/order/v1/order_service_pb";
import type { Inventory } from "../../../gen/shopmesh/product/v1/inventory_service_pb";
import { InvalidFieldsError } from "../../../rpc/errors";
import { FilterForm, FilterSelect, type Filters, FilterText } from "../../../ui/filters";
import { moneyOf } from "../../../util/money";
import { parseAmount, shopCurrency } from "../../amount";
import { inventory } from "../../clients";
import { endOfDay, startOfDay } from "../../days";

const STATES = [
  { value: "", text: "Any", states: [] },
  { value: "confirmed", text: "Confirmed", states: [OrderState.CONFIRMED] },
  { value: "shipped", text: "Shipped", states: [OrderState.SHIPPED] },
  { value: "cancelled", text: "Cancelled", states: [OrderState.CANCELLED] },
  {
    value: "counted",
    text: "All but cancelled",
    states: [OrderState.CONFIRMED, OrderState.SHIPPED],
  },
];
const SORT_OPTIONS = [
  { value: "", text: "Newest first" },
  { value: "create_time", text: "Oldest first" },
  { value: "total desc", text: "Highest amount first" },
  { value: "total", text: "Lowest amount first" },
];

export function OrderFilters(props: { filters: Filters; errors: Record<string, string> }) {
  const common = (label: string, name: string) => ({ filters: props.filters, label, name });
  return (
    <FilterForm filters={props.filters} class="admin-filters">
      <FilterSelect {...common("State", "state")} options={STATES} />
      <FilterText {...common("From", "from")} type="date" error={props.errors.start_time} />
      <FilterText {...common("To", "to")} type="date" error={props.errors.end_time} />
      <FilterText
        {...common("Customer email", "email")}
        type="email"
        error={props.errors.customer_email}
      />
      <FilterText {...common("Product or SKU", "product")} error={props.errors.product_id} />
      <FilterText
        {...common("Minimum amount", "least")}
        inputmode="decimal"
        error={props.errors.total_min}
      />
      <FilterSelect {...common("Sort", "sort")} options={SORT_OPTIONS} />
    </FilterForm>
  );
}

type OrderRequest = MessageInitShape<typeof ListAllOrdersRequestSchema>;

/** Returns the request of the filters, and the product if they name one. */
export async function orderQuery(filters: Filters, signal: AbortSignal) {
  const request: OrderRequest = {
    states: STATES.find(({ value }) => value === filters.get("state"))?.states ?? [],
    customerEmail: filters.get("email"),
    orderBy: SORT_OPTIONS.find(({ value }) => value === filters.get("sort"))?.value ?? "",
  };
  const [from, to] = [startOfDay(filters.get("from")), endOfDay(filters.get("to"))];
  if (from) request.startTime = from;
  if (to) request.endTime = to;
  // All filters are read before the first await, so that the list follows them.
  const [minimum, productText] = [filters.get("least"), filters.get("product")];
  if (minimum) request.totalMin = moneyOf(await amountOf(minimum));
  const product = productText ? await findProduct(productText, signal) : undefined;
  if (product) request.productId = product.productId;
  return { request, product };
}

async function amountOf(text: string) {
  const amount = parseAmount(text, await shopCurrency());
  if (!amount) throw new InvalidFieldsError({ total_min: "Enter an amount such as 12.50." });
  return amount;
}

/** Returns the product with this name or SKU, or else the best match of a search. */
async function findProduct(text: string, signal: AbortSignal): Promise<Inventory> {
  const { inventories } = await inventory.listInventory({ query: text }, { signal });
  const isSame = (other: string) => other.toLowerCase() === text.toLowerCase();
  const product =
    inventories.find(({ sku, productName }) => isSame(sku) || isSame(productName)) ??
    inventories[0];
  if (!product) throw new InvalidFieldsError({ product_id: "No product matches." });
  return product;
}

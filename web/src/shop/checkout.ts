// Places an order so that one checkout never becomes two orders, whatever is pressed, reloaded or
// lost. The request_id is stored before the first call. It is kept through lost responses,
// rejections and changed carts, until there is an order or CHECKOUT_ABANDONED. Only one tab at a time
// makes an attempt.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import {
  type Order,
  type PlaceOrderRequest,
  PlaceOrderRequestSchema,
} from "../gen/shopmesh/order/v1/order_service_pb";
import { isNoSession, isOutcomeUnknown, reasonOf } from "../rpc/errors";
import { orders } from "../rpc/orders";
import { removeOrdered } from "./cart";
import {
  type Checkout,
  newCheckout,
  readCheckoutState,
  writeCheckoutState,
} from "./checkout-state";

/** The name is shared with tabs of an older version. */
const LOCK = "shopmesh.purchase";
/** The delays before an attempt with an unknown outcome is retried. */
const RETRY_DELAYS_MS = [300, 1000, 2000, 4000];

/** A PlaceOrder request without its id, which belongs to the checkout. */
export type OrderRequest = Omit<PlaceOrderRequest, "$typeName" | "$unknown" | "requestId">;

export type CheckoutResult =
  | { kind: "placed"; orderId: string; order?: Order }
  | { kind: "rejected"; error: unknown }
  /** The checkout made no order and never will: the next attempt is a new checkout. */
  | { kind: "abandoned" }
  | { kind: "unknown"; error: unknown };

/**
 * Places the order of the checkout `requestId`. Without `orderRequest` it sends the newest request
 * again, to find out the outcome.
 */
export function placeOrder(
  userId: string,
  requestId: string,
  orderRequest?: OrderRequest,
): Promise<CheckoutResult> {
  return navigator.locks.request(LOCK, async () => {
    const state = readCheckoutState(userId);
    // Another tab placed the order while this one waited for the lock.
    if (state?.placed?.requestId === requestId) {
      return { kind: "placed", orderId: state.placed.orderId };
    }
    const checkout = state?.checkout ?? { ...newCheckout(), requestId };
    // The page shows a checkout that is over: its order request is not what is in the cart.
    if (checkout.requestId !== requestId) return { kind: "abandoned" };
    const result = await attempt(userId, checkout, orderRequest);
    if (result.kind !== "abandoned" || !orderRequest) return result;
    // The person has just pressed the button, so this is the next checkout.
    return attempt(userId, newCheckout(), orderRequest);
  });
}

async function attempt(
  userId: string,
  checkout: Checkout,
  orderRequest?: OrderRequest,
): Promise<CheckoutResult> {
  const newest = orderRequest ? encode(orderRequest) : checkout.orderRequests.at(-1);
  if (newest === undefined) return { kind: "abandoned" };
  const earlier = checkout.orderRequests.filter((other) => other !== newest);
  const sent = { ...checkout, orderRequests: [...earlier, newest], outcomeUnknown: true };
  const placed = readCheckoutState(userId)?.placed;
  const write = (checkout: Checkout) => writeCheckoutState(userId, { checkout, placed });
  write(sent);

  let result = await send(sent.requestId, newest);
  // The id belongs to another of the requests sent under it: find out the outcome of that one.
  for (const other of earlier) {
    if (result.kind !== "rejected" || reasonOf(result.error) !== "REQUEST_ID_REUSED") break;
    result = await send(sent.requestId, other);
  }

  switch (result.kind) {
    case "placed":
      // The cart comes first, so that no tab sees the next checkout with the products of this one.
      removeOrdered(result.order?.items ?? []);
      writeCheckoutState(userId, {
        checkout: newCheckout(),
        placed: { requestId: sent.requestId, orderId: result.orderId },
      });
      break;
    case "abandoned":
      write(newCheckout());
      break;
    case "rejected":
      // Without a session nothing was sent, so an unknown outcome stays unknown.
      write({ ...sent, outcomeUnknown: isNoSession(result.error) && checkout.outcomeUnknown });
      break;
  }
  return result;
}

/** Sends one request, and retries it while its outcome is unknown. */
async function send(requestId: string, orderRequest: string): Promise<CheckoutResult> {
  const bytes = base64Decode(orderRequest);
  const request = { ...fromBinary(PlaceOrderRequestSchema, bytes), requestId };
  for (let retries = 0; ; retries += 1) {
    try {
      const { order } = await orders.placeOrder(request);
      if (order) return { kind: "placed", orderId: order.orderId, order };
    } catch (error) {
      if (reasonOf(error) === "CHECKOUT_ABANDONED") return { kind: "abandoned" };
      if (!isOutcomeUnknown(error)) return { kind: "rejected", error };
      if (retries >= RETRY_DELAYS_MS.length) return { kind: "unknown", error };
    }
    await retryDelay(RETRY_DELAYS_MS[retries] ?? 0);
  }
}

/** Waits, and without a connection until there is one. */
async function retryDelay(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (navigator.onLine) return;
  await new Promise((resolve) => addEventListener("online", resolve, { once: true }));
}

function encode(orderRequest: OrderRequest): string {
  const message = create(PlaceOrderRequestSchema, orderRequest);
  return base64Encode(toBinary(PlaceOrderRequestSchema, message));
}

// Placing an order so that one purchase never becomes two orders, whatever is pressed, reloaded or
// lost. As the contract has it: the request_id is stored before the first call and kept through lost
// answers, refusals and changed carts, until there is an order or CHECKOUT_ABANDONED; attempts are
// made one at a time over all tabs.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import {
  type Order,
  type PlaceOrderRequest,
  PlaceOrderRequestSchema,
} from "../gen/shopmesh/order/v1/order_service_pb";
import { isNoSession, leavesOutcomeOpen, reasonOf } from "../rpc/errors";
import { orders } from "../rpc/orders";
import { takeOut } from "./cart";
import { keep, keptNow, newPurchase, type Purchase } from "./checkout-state";

const LOCK = "shopmesh.purchase";
/** Pauses before an attempt whose outcome is open is made again. */
const PAUSES_MS = [300, 1000, 2000, 4000];

/** What was asked for: a request without its id, which is the purchase's. */
export type Body = Omit<PlaceOrderRequest, "$typeName" | "$unknown" | "requestId">;

export type Outcome =
  | { kind: "placed"; orderId: string; order?: Order }
  | { kind: "refused"; error: unknown }
  /** This try made no order and never will: the next one is a new purchase. */
  | { kind: "abandoned" }
  | { kind: "open"; error: unknown };

/**
 * Makes the purchase `requestId` an order. Without `body` the newest request is sent again, to learn
 * what became of it.
 */
export function place(owner: string, requestId: string, body?: Body): Promise<Outcome> {
  return navigator.locks.request(LOCK, async () => {
    const now = keptNow(owner);
    // Another tab was quicker while this one waited for the lock.
    if (now?.settled?.requestId === requestId) {
      return { kind: "placed", orderId: now.settled.orderId };
    }
    const purchase = now?.purchase ?? { ...newPurchase(), requestId };
    // The page shows a purchase that is over: what it would send is not what stands in the cart.
    if (purchase.requestId !== requestId) return { kind: "abandoned" };
    const outcome = await attempt(owner, purchase, body);
    if (outcome.kind !== "abandoned" || !body) return outcome;
    // Given up for good, and the person has just pressed: this is the next purchase.
    return attempt(owner, newPurchase(), body);
  });
}

async function attempt(owner: string, purchase: Purchase, body?: Body): Promise<Outcome> {
  const newest = body ? encode(body) : purchase.bodies.at(-1);
  if (newest === undefined) return { kind: "abandoned" };
  const earlier = purchase.bodies.filter((other) => other !== newest);
  const sent = { ...purchase, bodies: [...earlier, newest], open: true };
  const settled = keptNow(owner)?.settled;
  const note = (next: Purchase) => keep(owner, { purchase: next, ...(settled && { settled }) });
  note(sent);

  let outcome = await ask(sent.requestId, newest);
  // The id stands for another of the requests sent under it: learn what became of that one.
  for (const other of earlier) {
    if (outcome.kind !== "refused" || reasonOf(outcome.error) !== "REQUEST_ID_REUSED") break;
    outcome = await ask(sent.requestId, other);
  }

  switch (outcome.kind) {
    case "placed":
      // First the cart: whoever sees the next purchase sees no goods of this one in it.
      takeOut(outcome.order?.items ?? []);
      keep(owner, {
        purchase: newPurchase(),
        settled: { requestId: sent.requestId, orderId: outcome.orderId },
      });
      break;
    case "abandoned":
      note(newPurchase());
      break;
    case "refused":
      // Without a session nothing was sent, and nothing was learnt.
      note({ ...sent, open: isNoSession(outcome.error) && purchase.open });
      break;
  }
  return outcome;
}

/** Sends one request until its outcome is known, or the patience is at its end. */
async function ask(requestId: string, body: string): Promise<Outcome> {
  const request = { ...fromBinary(PlaceOrderRequestSchema, base64Decode(body)), requestId };
  for (let tries = 0; ; tries += 1) {
    try {
      const { order } = await orders.placeOrder(request);
      if (order) return { kind: "placed", orderId: order.orderId, order };
    } catch (error) {
      if (reasonOf(error) === "CHECKOUT_ABANDONED") return { kind: "abandoned" };
      if (!leavesOutcomeOpen(error)) return { kind: "refused", error };
      if (tries >= PAUSES_MS.length) return { kind: "open", error };
    }
    await pause(PAUSES_MS[tries] ?? 0);
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (navigator.onLine) return;
  await new Promise((resolve) => addEventListener("online", resolve, { once: true }));
}

function encode(body: Body): string {
  return base64Encode(toBinary(PlaceOrderRequestSchema, create(PlaceOrderRequestSchema, body)));
}

// The checkout of an account, stored in the browser: its request_id (the idempotency key), and every
// order request that was sent under it.
import { createStored } from "../util/stored";

export interface Checkout {
  requestId: string;
  /** Each order request sent under the id, once, the newest last; base64. */
  orderRequests: string[];
  /** Whether the newest request was sent and its outcome is not known. */
  outcomeUnknown: boolean;
}

interface PlacedOrder {
  requestId: string;
  orderId: string;
}

export interface CheckoutState {
  checkout: Checkout;
  /** The checkout before this one, and its order. */
  placed?: PlacedOrder | undefined;
}

/** The stored JSON. Its names never change, because tabs of an older version may be open. */
interface StoredState {
  purchase: { requestId: string; bodies: string[]; open: boolean };
  settled?: PlacedOrder;
}

/** By account: on a shared computer nobody continues the checkout of someone else. */
const stored = createStored<Record<string, StoredState>>("shopmesh.purchases", (json) =>
  json && typeof json === "object" ? (json as Record<string, StoredState>) : {},
);

function fromStored(state: StoredState | undefined): CheckoutState | undefined {
  if (!state) return undefined;
  const { requestId, bodies, open } = state.purchase;
  const checkout = { requestId, orderRequests: bodies, outcomeUnknown: open };
  return { checkout, placed: state.settled };
}

export function writeCheckoutState(userId: string, { checkout, placed }: CheckoutState): void {
  const { requestId, orderRequests, outcomeUnknown } = checkout;
  const purchase = { requestId, bodies: orderRequests, open: outcomeUnknown };
  stored.set({
    ...stored.read(),
    [userId]: { purchase, ...(placed && { settled: placed }) },
  });
}

/**
 * Removes what an account has stored, its addresses included, when it logs out. A checkout whose
 * outcome is unknown stays: only its stored request finds out the outcome without a second order.
 */
export function forgetCheckoutState(userId: string): void {
  const { [userId]: own, ...others } = stored.read();
  if (own && !own.purchase.open) stored.set(others);
}

/** Reads the storage now: for decisions inside the Web Lock. */
export function readCheckoutState(userId: string): CheckoutState | undefined {
  return fromStored(stored.read()[userId]);
}

export function newCheckout(): Checkout {
  return { requestId: crypto.randomUUID(), orderRequests: [], outcomeUnknown: false };
}

/** Whether the person does not know yet if their order was placed. */
export function isCheckoutOutcomeUnknown(userId: string | null): boolean {
  return userId !== null && fromStored(stored.value()[userId])?.checkout.outcomeUnknown === true;
}

/** Returns the request_id of the current checkout, and starts a checkout if there is none. */
export function checkoutRequestId(userId: string): string {
  const existing = readCheckoutState(userId);
  if (existing) return existing.checkout.requestId;
  const checkout = newCheckout();
  writeCheckoutState(userId, { checkout });
  return checkout.requestId;
}

/** Returns the order of a checkout, once any tab has placed it. */
export function orderIdOf(userId: string, requestId: string): string | undefined {
  const placed = fromStored(stored.value()[userId])?.placed;
  return placed?.requestId === requestId ? placed.orderId : undefined;
}

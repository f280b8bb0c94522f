// The purchase under way, kept in the browser: its request_id, and what was sent under it.
import { stored } from "../util/stored";

export interface Purchase {
  requestId: string;
  /** Every request sent under the id, once each, the newest last; base64. */
  bodies: string[];
  /** Whether the newest one was sent and its outcome is not known. */
  open: boolean;
}

interface Kept {
  purchase: Purchase;
  /** The purchase before, and the order that it became. */
  settled?: { requestId: string; orderId: string };
}

/** By account: on a shared machine nobody goes on with somebody else's purchase. */
const kept = stored<Record<string, Kept>>("shopmesh.purchases", (parsed) =>
  parsed && typeof parsed === "object" ? (parsed as Record<string, Kept>) : {},
);

export function keep(owner: string, value: Kept): void {
  kept.set({ ...kept.now(), [owner]: value });
}

export function newPurchase(): Purchase {
  return { requestId: crypto.randomUUID(), bodies: [], open: false };
}

/** What is kept of the account at this moment, for decisions inside the lock. */
export function keptNow(owner: string): Kept | undefined {
  return kept.now()[owner];
}

/** Whether an attempt was made whose outcome the person has not learnt. */
export function isOpen(owner: string | null): boolean {
  return owner !== null && kept.value()[owner]?.purchase.open === true;
}

/** The id of the purchase under way; made and stored where there is none. */
export function purchaseId(owner: string): string {
  const there = kept.now()[owner];
  if (there) return there.purchase.requestId;
  const purchase = newPurchase();
  keep(owner, { purchase });
  return purchase.requestId;
}

/** The order that a purchase became in any tab, once it did. */
export function orderOf(owner: string, requestId: string): string | undefined {
  const settled = kept.value()[owner]?.settled;
  return settled?.requestId === requestId ? settled.orderId : undefined;
}

// What an error of a call says: its reason for the program, and words for the person.
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
} from "../gen/google/rpc/error_details_pb";
import { NoSession } from "../session/session";

/** The `reason` of the error, as the contract lists them; empty where it has none. */
export function reasonOf(error: unknown): string {
  return infoOf(error)?.reason ?? "";
}

function infoOf(error: unknown) {
  return error instanceof ConnectError ? error.findDetails(ErrorInfoSchema)[0] : undefined;
}

/** The facts that the error tells beside its reason. */
export function factsOf(error: unknown): Record<string, string> {
  return infoOf(error)?.metadata ?? {};
}

/** What was typed cannot be sent as it is: each bad field with what is wrong, as the mesh tells it. */
export class BadFields extends Error {
  constructor(readonly fields: Record<string, string>) {
    super("bad fields");
  }
}

/** Every bad field of the request with what is wrong, by path. */
export function badFieldsOf(error: unknown): Record<string, string> {
  if (error instanceof BadFields) return error.fields;
  const fields: Record<string, string> = {};
  if (!(error instanceof ConnectError)) return fields;
  for (const { fieldViolations } of error.findDetails(BadRequestSchema)) {
    for (const { field, description } of fieldViolations) fields[field] ??= sentence(description);
  }
  return fields;
}

/** How many are left of each product that an OUT_OF_STOCK names. */
export function leftOf(error: unknown): Record<string, number> {
  const left: Record<string, number> = {};
  if (!(error instanceof ConnectError) || reasonOf(error) !== "OUT_OF_STOCK") return left;
  for (const { violations } of error.findDetails(PreconditionFailureSchema)) {
    for (const { subject, description } of violations) {
      left[subject] = Number(/available (\d+)/.exec(description)?.[1] ?? 0);
    }
  }
  return left;
}

const CODES_THAT_LEAVE_IT_OPEN = [
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Canceled,
  Code.Unknown,
  Code.Internal,
  Code.Aborted,
  Code.ResourceExhausted,
];

/**
 * Whether the call may have been done all the same: the answer got lost on its way, or the mesh does
 * not know either. An error that names no reason did not come from a service.
 */
export function leavesOutcomeOpen(error: unknown): boolean {
  if (isNoSession(error)) return false;
  if (!(error instanceof ConnectError)) return true;
  if (reasonOf(error) === "CHECKOUT_ABANDONED") return false;
  return reasonOf(error) === "" || CODES_THAT_LEAVE_IT_OPEN.includes(error.code);
}

const WORDS: Record<string, string> = {
  BAD_CREDENTIALS: "That e-mail and password do not go together. Check both and try again.",
  EMAIL_TAKEN: "There is an account with this address already. Log in instead.",
  RATE_LIMITED: "That was too often in a short time. Wait a few minutes and try again.",
  ACCOUNT_DISABLED: "This account was disabled. Write to us if you think that is a mistake.",
  OUT_OF_STOCK: "Some of it is sold out.",
  PRICE_CHANGED: "A price has changed. Look at the total again.",
  ORDER_NOT_CANCELLABLE: "This order is on its way already, so it cannot be cancelled any more.",
  PRODUCT_NOT_FOUND: "This product is not for sale any more.",
  ORDER_NOT_FOUND: "There is no such order in your account.",
  ORDER_NOT_SHIPPABLE: "This order was shipped or cancelled meanwhile, so it stays as it is.",
  STALE_ETAG: "Somebody else changed this meanwhile.",
  SKU_TAKEN: "Another product has this SKU.",
  SLUG_TAKEN: "Another product has this name in its address.",
  NOTIFICATION_NOT_FOUND: "There is no such mail.",
  NOTIFICATION_NOT_RESENDABLE: "This mail is on its way just now. Wait for what becomes of it.",
  OWN_ACCOUNT: "This is your own account: ask another admin.",
  USER_NOT_FOUND: "There is no such account.",
  ROLE_REQUIRED: "Only admins may do this.",
  OVERLOADED: "The shop is very busy. Try again in a moment.",
  LINK_INVALID: "This link was used before, or it is too old. Ask for a new one.",
  SESSION_NOT_FOUND: "This session has ended already.",
  VALIDATION_FAILED: "Some of this needs another look.",
};

/** The error in words a person understands. */
export function wordsFor(error: unknown): string {
  if (isNoSession(error)) return "Your session has ended. Log in again to go on.";
  const words = WORDS[error instanceof BadFields ? "VALIDATION_FAILED" : reasonOf(error)];
  if (words) return words;
  if (!navigator.onLine) return "You are offline. Go online and try again.";
  if (error instanceof ConnectError && error.code === Code.DeadlineExceeded) {
    return "The shop took too long to answer. Try again.";
  }
  return "The shop cannot be reached just now. Try again in a moment.";
}

/** Whether the call was not sent, for want of a session: itself, or as the cause of what the client says. */
export function isNoSession(error: unknown): boolean {
  return (error instanceof ConnectError ? error.cause : error) instanceof NoSession;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

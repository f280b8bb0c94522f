// Reads the errors of calls: the reason for the program, and a message for the person.
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import { StockShortageSchema } from "../gen/shopmesh/product/v1/error_details_pb";
import { NoSessionError } from "../session/state";
import { NEEDS_HTTPS } from "../util/secure-context";

/** Returns the `reason` of the error, as the contract lists them; empty if it has none. */
export function reasonOf(error: unknown): string {
  return errorInfoOf(error)?.reason ?? "";
}

/** Returns the metadata that comes with the reason. */
export function metadataOf(error: unknown): Record<string, string> {
  return errorInfoOf(error)?.metadata ?? {};
}

function errorInfoOf(error: unknown) {
  return error instanceof ConnectError ? error.findDetails(ErrorInfoSchema)[0] : undefined;
}

/** The browser found invalid fields and did not send the call. */
export class InvalidFieldsError extends Error {
  constructor(readonly fields: Record<string, string>) {
    super("invalid fields");
  }
}

/** Returns the problem of each invalid field of the request, by path. */
export function invalidFieldsOf(error: unknown): Record<string, string> {
  if (error instanceof InvalidFieldsError) return error.fields;
  const fields: Record<string, string> = {};
  if (!(error instanceof ConnectError)) return fields;
  for (const { fieldViolations } of error.findDetails(BadRequestSchema)) {
    for (const { field, description } of fieldViolations) fields[field] ??= sentence(description);
  }
  return fields;
}

export function hasInvalidFields(error: unknown): boolean {
  return Object.keys(invalidFieldsOf(error)).length > 0;
}

/** Returns the available quantity of each product that has too little stock for the order. */
export function availableOf(error: unknown): Record<string, number> {
  if (!(error instanceof ConnectError)) return {};
  const shortages = error.findDetails(StockShortageSchema);
  return Object.fromEntries(shortages.map(({ productId, available }) => [productId, available]));
}

/** Whether there is nothing under the id of a request: it is unknown, or not an id at all. */
export function isNotFound(error: unknown): boolean {
  return ["PRODUCT_NOT_FOUND", "ORDER_NOT_FOUND", "VALIDATION_FAILED"].includes(reasonOf(error));
}

/** Reasons of calls that took no effect, although their codes leave it open. */
const REJECTIONS = ["CHECKOUT_ABANDONED", "RATE_LIMITED"];

const CODES_WITH_UNKNOWN_OUTCOME = [
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Canceled,
  Code.Unknown,
  Code.Internal,
  Code.Aborted,
  Code.ResourceExhausted,
];

/**
 * Whether the call may have taken effect although it failed: the response was lost, or the mesh does
 * not know either. An error without a reason did not come from a service.
 */
export function isOutcomeUnknown(error: unknown): boolean {
  if (isNoSession(error)) return false;
  if (!(error instanceof ConnectError)) return true;
  if (REJECTIONS.includes(reasonOf(error))) return false;
  return reasonOf(error) === "" || CODES_WITH_UNKNOWN_OUTCOME.includes(error.code);
}

/** Whether the call was not sent because there is no session. Connect wraps such an error. */
export function isNoSession(error: unknown): boolean {
  return (error instanceof ConnectError ? error.cause : error) instanceof NoSessionError;
}

const MESSAGES: Record<string, string> = {
  BAD_CREDENTIALS: "This email and password do not match. Check both and try again.",
  EMAIL_TAKEN: "There is already an account with this email address. Log in instead.",
  RATE_LIMITED: "Too many attempts in a short time. Wait a few minutes and try again.",
  ACCOUNT_DISABLED: "This account was disabled. Contact us if you think this is a mistake.",
  OUT_OF_STOCK: "Some products are sold out.",
  PRICE_CHANGED: "A price has changed. Please check the total.",
  ORDER_NOT_CANCELLABLE: "This order is already on its way, so it can no longer be cancelled.",
  PRODUCT_NOT_FOUND: "This product is no longer available.",
  ORDER_NOT_FOUND: "There is no such order in your account.",
  ORDER_NOT_SHIPPABLE: "This order was shipped or cancelled in the meantime, so it stays as it is.",
  STALE_ETAG: "Someone else changed this in the meantime.",
  SKU_TAKEN: "Another product has this SKU.",
  SLUG_TAKEN: "Another product uses this name in its address.",
  NOTIFICATION_NOT_FOUND: "There is no such mail.",
  NOTIFICATION_NOT_RESENDABLE: "This mail is being sent. Wait for the result.",
  OWN_ACCOUNT: "This is your own account. Ask another admin to change it.",
  LAST_ADMIN: "This is the last admin. Make someone else an admin first.",
  USER_NOT_FOUND: "There is no such account.",
  ROLE_REQUIRED: "Only admins may do this.",
  OVERLOADED: "The shop is very busy. Try again in a moment.",
  LINK_INVALID: "This link has already been used or has expired. Ask for a new one.",
  SESSION_NOT_FOUND: "This session has already ended.",
  VALIDATION_FAILED: "Please check what you entered.",
};

/** Returns the error as a message for the person. */
export function errorMessage(error: unknown): string {
  if (isNoSession(error)) return "Your session has ended. Log in again to continue.";
  const message =
    MESSAGES[error instanceof InvalidFieldsError ? "VALIDATION_FAILED" : reasonOf(error)];
  if (message) return message;
  if (!isSecureContext) return NEEDS_HTTPS;
  if (!navigator.onLine) return "You are offline. Go online and try again.";
  if (error instanceof ConnectError && error.code === Code.DeadlineExceeded) {
    return "The shop took too long to respond. Try again.";
  }
  return "The shop cannot be reached right now. Try again in a moment.";
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

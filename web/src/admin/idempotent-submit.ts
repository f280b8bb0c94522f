// Submits a change at most once: the `request_id` of the call is kept while its outcome is unknown,
// so a retry never makes the change twice.
import { InvalidFieldsError, isOutcomeUnknown, reasonOf } from "../rpc/errors";

export type IdempotentSubmit = <T>(send: (requestId: string) => Promise<T>) => Promise<T>;

export function createIdempotentSubmit(): IdempotentSubmit {
  let requestId = crypto.randomUUID();
  return async (send) => {
    try {
      const response = await send(requestId);
      requestId = crypto.randomUUID();
      return response;
    } catch (error) {
      if (!isChangeOutcomeUnknown(error)) requestId = crypto.randomUUID();
      throw error;
    }
  };
}

/** Whether the change may have been made although the call failed. */
export function isChangeOutcomeUnknown(error: unknown): boolean {
  if (error instanceof InvalidFieldsError || reasonOf(error) === "STALE_ETAG") return false;
  return isOutcomeUnknown(error);
}

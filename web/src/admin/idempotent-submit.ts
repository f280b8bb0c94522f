// One change, done once: the `request_id` of a call is kept while nobody knows what became of it,
// so that sending it again never does it twice.
import { BadFields, leavesOutcomeOpen, reasonOf } from "../rpc/errors";

export type Once = <T>(send: (requestId: string) => Promise<T>) => Promise<T>;

export function createOnce(): Once {
  let requestId = crypto.randomUUID();
  return async (send) => {
    try {
      const answer = await send(requestId);
      requestId = crypto.randomUUID();
      return answer;
    } catch (error) {
      if (!mayBeDone(error)) requestId = crypto.randomUUID();
      throw error;
    }
  };
}

/** Whether the change may have been made although the call failed. */
export function mayBeDone(error: unknown): boolean {
  if (error instanceof BadFields || reasonOf(error) === "STALE_ETAG") return false;
  return leavesOutcomeOpen(error);
}

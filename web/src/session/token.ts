// Provides the access token for calls, and renews it. It uses a client that needs no token, so that
// the transport of all other clients can depend on this file.
import { reasonOf } from "../rpc/errors";
import {
  accessTokenOtherThan,
  endSession,
  forgetToken,
  NoSessionError,
  readUserId,
  setSession,
  user,
  validAccessToken,
} from "./state";

/** A refresh token can be used only once, so tabs take turns. */
export const SESSION_LOCK = "shopmesh.session";

let renewal: Promise<string> | undefined;

/** Returns an access token that has not expired. */
export async function currentToken(): Promise<string> {
  if (readUserId() === null) throw new NoSessionError();
  return validAccessToken() ?? renewToken();
}

/** Returns a newer access token than the one that was rejected. */
export async function tokenNewerThan(rejected: string): Promise<string> {
  return accessTokenOtherThan(rejected) ?? renewToken();
}

/** Renews the token of the session, and follows what other tabs do: log in or log out. */
export function startSession(): void {
  addEventListener("storage", () => {
    if (readUserId() === (user()?.userId ?? null)) return;
    forgetToken();
    resumeSession();
  });
  resumeSession();
}

function resumeSession(): void {
  // If the shop cannot be reached, the page that needs the session reports it.
  if (readUserId() !== null) renewToken().catch(() => {});
}

/** Concurrent callers share one renewal. */
function renewToken(): Promise<string> {
  renewal ??= refreshSession().finally(() => {
    renewal = undefined;
  });
  return renewal;
}

async function refreshSession(): Promise<string> {
  const { authClient } = await import("./auth-client");
  return navigator.locks.request(SESSION_LOCK, async () => {
    if (readUserId() === null) throw new NoSessionError();
    try {
      return setSession(await authClient.refreshSession({}));
    } catch (error) {
      if (!["REFRESH_TOKEN_INVALID", "ACCOUNT_DISABLED"].includes(reasonOf(error))) throw error;
      endSession();
      throw new NoSessionError();
    }
  });
}

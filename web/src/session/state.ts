// The session of this browser: whose it is, and its access token. The refresh token is an HttpOnly
// cookie that no script can read, and the access token is kept in memory only. localStorage has just
// the id of the account, so that all tabs agree, and a visitor without an account costs no call.
import { createSignal } from "solid-js";
import type { User } from "../gen/shopmesh/user/v1/user_service_pb";
import { createStored } from "../util/stored";

/** A token that expires within this time is not sent any more. */
const EXPIRY_MARGIN_MS = 20_000;

interface AccessToken {
  token: string;
  /** By `performance.now()`, which no change of the clock moves. */
  expiresAt: number;
}

const storedUserId = createStored<string | null>("shopmesh.session", (parsed) =>
  typeof parsed === "string" ? parsed : null,
);
const [user, setUser] = createSignal<User>();
let accessToken: AccessToken | undefined;

export { user };

/** The id of the account that is logged in; null if none is. */
export const userId = storedUserId.value;
/** The same, read from the storage now: for decisions inside a Web Lock. */
export const readUserId = storedUserId.read;

/** There is no session: nobody is logged in, or it has ended. The call is not sent. */
export class NoSessionError extends Error {}

/** Returns the access token, unless it is missing or expired. */
export function validAccessToken(): string | undefined {
  if (!accessToken || performance.now() >= accessToken.expiresAt) return undefined;
  return accessToken.token;
}

/** Returns the access token unless it is `rejected`, whatever its time of expiry. */
export function accessTokenOtherThan(rejected: string): string | undefined {
  return accessToken?.token === rejected ? undefined : accessToken?.token;
}

interface TokenResponse {
  accessToken: string;
  expiresIn: bigint;
  user?: User | undefined;
}

/** Starts or continues the session, and returns its access token. */
export function setSession(response: TokenResponse): string {
  accessToken = {
    token: response.accessToken,
    expiresAt: performance.now() + Number(response.expiresIn) * 1000 - EXPIRY_MARGIN_MS,
  };
  setUser(response.user);
  const id = response.user?.userId;
  if (id !== undefined && readUserId() !== id) storedUserId.set(id);
  return response.accessToken;
}

export function endSession(): void {
  forgetToken();
  if (readUserId() !== null) storedUserId.set(null);
}

/** Drops what this tab knows of the account, but not the session. */
export function forgetToken(): void {
  accessToken = undefined;
  setUser(undefined);
}

/** Replaces the account by a newer version of it. */
export function updateUser(changed: User | undefined): void {
  if (changed && changed.userId === readUserId()) setUser(changed);
}

// Who is logged in. The refresh token is an HttpOnly cookie that no script sees; the access token
// lives in memory only; localStorage holds just whose session it is, so that tabs agree and a visitor
// without an account costs no call.
import { createSignal } from "solid-js";
import type { User } from "../gen/shopmesh/user/v1/user_service_pb";
import { stored } from "../util/stored";

/** A token this close to its end is not sent any more. */
const MARGIN_MS = 20_000;
/** Refresh tokens are good for one use, so tabs take turns. */
const LOCK = "shopmesh.session";

interface Access {
  token: string;
  /** By `performance.now()`, which no change of the clock moves. */
  staleAt: number;
}

const owner = stored<string | null>("shopmesh.session", (parsed) =>
  typeof parsed === "string" ? parsed : null,
);
const [user, setUser] = createSignal<User>();
let access: Access | undefined;
let refreshing: Promise<string> | undefined;

export { user };

/** The id of the account whose session it is; null where nobody is logged in. */
export const ownerId = owner.value;

interface Granted {
  accessToken: string;
  expiresIn: bigint;
  user?: User | undefined;
}

function begin(granted: Granted): string {
  access = {
    token: granted.accessToken,
    staleAt: performance.now() + Number(granted.expiresIn) * 1000 - MARGIN_MS,
  };
  setUser(granted.user);
  if (granted.user && owner.now() !== granted.user.userId) owner.set(granted.user.userId);
  return granted.accessToken;
}

function end(): void {
  access = undefined;
  setUser(undefined);
  if (owner.now() !== null) owner.set(null);
}

/** There is no session: nobody logged in, or it has ended. The call is not sent. */
export class NoSession extends Error {}

async function refresh(): Promise<string> {
  const { users } = await import("../rpc/users");
  return navigator.locks.request(LOCK, async () => {
    if (owner.now() === null) throw new NoSession();
    try {
      return begin(await users.refreshSession({}));
    } catch (error) {
      const { reasonOf } = await import("../rpc/errors");
      if (!["REFRESH_TOKEN_INVALID", "ACCOUNT_DISABLED"].includes(reasonOf(error))) throw error;
      end();
      throw new NoSession();
    }
  });
}

function fresh(): Promise<string> {
  refreshing ??= refresh().finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

/** A token that is good now. */
export async function currentToken(): Promise<string> {
  if (owner.now() === null) throw new NoSession();
  return access && performance.now() < access.staleAt ? access.token : fresh();
}

/** A token newer than `refused`. */
export async function tokenAfter(refused: string): Promise<string> {
  return access && access.token !== refused ? access.token : fresh();
}

/** The account has changed, or is known anew. */
export function noteUser(changed: User | undefined): void {
  if (changed && changed.userId === owner.now()) setUser(changed);
}

/** Takes up the session that the cookie holds, if there is one. */
export function startSession(): void {
  // What other tabs did: logged out, or logged in as somebody.
  addEventListener("storage", () => {
    if (owner.now() === (user()?.userId ?? null)) return;
    access = undefined;
    setUser(undefined);
    resume();
  });
  resume();
}

function resume(): void {
  // A shop that cannot be reached is told by whichever page needs the session.
  if (owner.now() !== null) fresh().catch(() => {});
}

export async function logIn(email: string, password: string): Promise<void> {
  const { users } = await import("../rpc/users");
  await navigator.locks.request(LOCK, async () => {
    begin(await users.login({ email, password, useCookie: true }));
  });
}

export async function signUp(email: string, password: string, displayName: string): Promise<void> {
  const { users } = await import("../rpc/users");
  await users.signUp({ email, password, displayName });
  await logIn(email, password);
}

/** Ends this session, or every session of the account. */
export async function logOut(everywhere: boolean): Promise<void> {
  const { users } = await import("../rpc/users");
  await users.logout({ everywhere });
  end();
}

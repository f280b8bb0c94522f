// Who is logged in. The refresh token is an HttpOnly cookie that no script sees; the access token
// lives in memory only; localStorage holds just whose session it is, so that tabs agree and a visitor
// without an account costs no call.
import { createSignal } from "solid-js";
import type { User } from "./gen/shopmesh/user/v1/user_service_pb";
import { takeTokensFrom, users } from "./rpc/clients";
import { noSession, reasonOf } from "./rpc/errors";
import { stored } from "./stored";

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

async function refresh(): Promise<string> {
  return navigator.locks.request(LOCK, async () => {
    if (owner.now() === null) throw noSession();
    try {
      return begin(await users.refreshSession({}));
    } catch (error) {
      if (!["REFRESH_TOKEN_INVALID", "ACCOUNT_DISABLED"].includes(reasonOf(error))) throw error;
      end();
      throw noSession();
    }
  });
}

function fresh(): Promise<string> {
  refreshing ??= refresh().finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

async function current(): Promise<string> {
  if (owner.now() === null) throw noSession();
  return access && performance.now() < access.staleAt ? access.token : fresh();
}

async function after(refused: string): Promise<string> {
  return access && access.token !== refused ? access.token : fresh();
}

/** Takes up the session that the cookie holds, if there is one. */
export function startSession(): void {
  takeTokensFrom({ current, after });
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
  await navigator.locks.request(LOCK, async () => {
    begin(await users.login({ email, password, useCookie: true }));
  });
}

export async function signUp(email: string, password: string, displayName: string): Promise<void> {
  await users.signUp({ email, password, displayName });
  await logIn(email, password);
}

/** Ends this session, or every session of the account. */
export async function logOut(everywhere: boolean): Promise<void> {
  await users.logout({ everywhere });
  end();
}

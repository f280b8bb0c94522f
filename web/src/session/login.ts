// Starts and ends the session.
import { users } from "../rpc/users";
import { authClient } from "./auth-client";
import { endSession, setSession } from "./state";
import { SESSION_LOCK } from "./token";

export async function logIn(email: string, password: string): Promise<void> {
  await navigator.locks.request(SESSION_LOCK, async () => {
    setSession(await authClient.login({ email, password, useCookie: true }));
  });
}

export async function signUp(email: string, password: string, displayName: string): Promise<void> {
  await authClient.signUp({ email, password, displayName });
  await logIn(email, password);
}

/** Ends this session, or every session of the account. */
export async function logOut(everywhere: boolean): Promise<void> {
  await users.logout({ everywhere });
  endSession();
}

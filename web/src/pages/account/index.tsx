// The account of the person: profile, password and sessions.
import { onCleanup } from "solid-js";
import { navigate } from "../../router";
import { createLoad } from "../../rpc/load";
import { users } from "../../rpc/users";
import { logOut } from "../../session/login";
import { userId } from "../../session/state";
import { forgetAddress } from "../../shop/address";
import { forgetCheckoutState } from "../../shop/checkout-state";
import { ActionError, createAction } from "../../ui/action";
import { Page } from "../../ui/page";
import { Loaded } from "../../ui/states";
import { ChangePassword } from "./password";
import { Profile } from "./profile";
import { Sessions } from "./sessions";

export default function Account() {
  const load = createLoad(async (signal) => (await users.getCurrentUser({}, { signal })).user);
  // The person may have verified the address in the tab that the mail opened.
  const onVisible = () => document.visibilityState === "visible" && load.reload();
  document.addEventListener("visibilitychange", onVisible);
  onCleanup(() => document.removeEventListener("visibilitychange", onVisible));
  return (
    <Page title="Your account" class="medium">
      <Loaded load={load} skeleton={<p class="muted loading room">Loading…</p>}>
        {(user) => (
          <>
            <Profile user={user()} onChange={load.setData} />
            <ChangePassword />
            <Sessions />
          </>
        )}
      </Loaded>
      <LogOut />
    </Page>
  );
}

function LogOut() {
  const action = createAction(async (everywhere: boolean) => {
    const id = userId();
    await logOut(everywhere);
    forgetAddress();
    if (id !== null) forgetCheckoutState(id);
    navigate("/", { replace: true });
  });
  return (
    <>
      <ActionError action={action} />
      <div class="row">
        <button type="button" onClick={() => action.run(false)}>
          Log out
        </button>
        <button type="button" class="quiet" onClick={() => action.run(true)}>
          Leave on every device
        </button>
        <p class="hint">Other devices can take up to ten minutes to log out.</p>
      </div>
    </>
  );
}

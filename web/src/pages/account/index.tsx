// The person's account: who it is, how it is kept safe, and where it is logged in.
import { onCleanup } from "solid-js";
import { navigate } from "../../router";
import { createLoad } from "../../rpc/load";
import { users } from "../../rpc/users";
import { logOut } from "../../session/session";
import { forgetAddress } from "../../shop/address";
import { ActionError, createAction } from "../../ui/action";
import { Page } from "../../ui/page";
import { Loaded } from "../../ui/states";
import { ChangePassword } from "./password";
import { Profile } from "./profile";
import { Sessions } from "./sessions";

export default function Account() {
  const load = createLoad(async (signal) => (await users.getCurrentUser({}, { signal })).user);
  // The address may have been verified in the tab that the mail opened.
  const look = () => document.visibilityState === "visible" && load.again();
  document.addEventListener("visibilitychange", look);
  onCleanup(() => document.removeEventListener("visibilitychange", look));
  return (
    <Page title="Your account" class="medium">
      <Loaded of={load} skeleton={<p class="muted loading room">Loading…</p>}>
        {(user) => (
          <>
            <Profile user={user()} onChange={load.put} />
            <ChangePassword />
            <Sessions />
          </>
        )}
      </Loaded>
      <Leave />
    </Page>
  );
}

function Leave() {
  const leave = createAction(async (everywhere: boolean) => {
    await logOut(everywhere);
    forgetAddress();
    navigate("/", { replace: true });
  });
  return (
    <>
      <ActionError of={leave} />
      <div class="row">
        <button type="button" onClick={() => leave.run(false)}>
          Log out
        </button>
        <button type="button" class="quiet" onClick={() => leave.run(true)}>
          Leave on every device
        </button>
        <p class="hint">It takes up to ten minutes to reach all devices.</p>
      </div>
    </>
  );
}

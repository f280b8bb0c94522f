// The person's account: who it is, how it is kept safe, and where it is logged in.
import { createSignal, onCleanup, Show } from "solid-js";
import { forgetAddress } from "../../address";
import { createLoad } from "../../load";
import { navigate } from "../../router";
import { users } from "../../rpc/clients";
import { wordsFor } from "../../rpc/errors";
import { logOut } from "../../session";
import { Page } from "../../ui/page";
import { Alert, Loaded } from "../../ui/states";
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
      <Loaded of={load}>{(user) => <Profile user={user()} onChange={load.put} />}</Loaded>
      <ChangePassword />
      <Sessions />
      <Leave />
    </Page>
  );
}

function Leave() {
  const [error, setError] = createSignal<unknown>();
  const leave = async (everywhere: boolean) => {
    setError(undefined);
    try {
      await logOut(everywhere);
      forgetAddress();
      navigate("/", { replace: true });
    } catch (error) {
      setError(error);
    }
  };
  return (
    <>
      <Show when={error()}>
        {(error) => (
          <Alert>
            <p>{wordsFor(error())}</p>
          </Alert>
        )}
      </Show>
      <div class="row">
        <button type="button" onClick={() => leave(false)}>
          Log out
        </button>
        <button type="button" class="quiet" onClick={() => leave(true)}>
          Leave on every device
        </button>
        <p class="hint">It takes up to ten minutes to reach all devices.</p>
      </div>
    </>
  );
}

// The person's account.
import { createSignal, Show } from "solid-js";
import { forgetAddress } from "../address";
import { createLoad } from "../load";
import { navigate } from "../router";
import { users } from "../rpc/clients";
import { wordsFor } from "../rpc/errors";
import { logOut } from "../session";
import { Page } from "../ui/page";
import { Alert, Loaded } from "../ui/states";
import { timeWords } from "../ui/words";

export default function Account() {
  const load = createLoad(async (signal) => (await users.getCurrentUser({}, { signal })).user);
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
    <Page title="Your account" class="narrow">
      <Loaded of={load}>
        {(user) => (
          <dl class="panel facts">
            <dt>Name</dt>
            <dd>{user().displayName}</dd>
            <dt>E-mail</dt>
            <dd>{user().email}</dd>
            <dt>With us since</dt>
            <dd>{timeWords(user().createTime)}</dd>
          </dl>
        )}
      </Loaded>
      <p>
        <a href="/orders">Your orders</a>
      </p>
      <Show when={error()}>
        {(error) => (
          <Alert>
            <p>{wordsFor(error())}</p>
          </Alert>
        )}
      </Show>
      <div class="row">
        <button type="button" class="quiet" onClick={() => leave(false)}>
          Log out
        </button>
        <button type="button" class="quiet" onClick={() => leave(true)}>
          Leave on every device
        </button>
      </div>
      <p class="hint">
        Leaving on every device ends all your sessions; it takes up to ten minutes to reach them
        all.
      </p>
    </Page>
  );
}

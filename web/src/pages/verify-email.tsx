// Follows the link that was mailed to an address, so that the shop knows whose it is.
import { createSignal, Match, Switch } from "solid-js";
import { dropToken, mailedToken } from "../router";
import { reasonOf } from "../rpc/errors";
import { createLoad } from "../rpc/load";
import { users } from "../rpc/users";
import { ownerId, user } from "../session/session";
import { LinkForm } from "../ui/email-link-form";
import { Page } from "../ui/page";
import { Alert, Loaded } from "../ui/states";

export default function VerifyEmail() {
  const [done, setDone] = createSignal(false);
  return (
    <Page title={done() ? "Your address is verified" : "Verify your address"} class="narrow">
      <Switch>
        <Match when={done()}>
          <p>Thank you. What we mail about your orders will reach you.</p>
          <p>
            <a href={ownerId() ? "/account" : "/"} class="button">
              Go on
            </a>
          </p>
        </Match>
        <Match when={mailedToken()} keyed>
          {(token) => <Follow token={token} onDone={() => setDone(true)} />}
        </Match>
        <Match when={true}>
          <AskAgain />
        </Match>
      </Switch>
    </Page>
  );
}

function Follow(props: { token: string; onDone: () => void }) {
  const load = createLoad(async () => {
    if (!(await verify(props.token))) return "void";
    props.onDone();
    dropToken();
  });
  return (
    <Loaded of={load}>
      {() => (
        <>
          <Alert>
            <p>This link was used before, or it is too old.</p>
          </Alert>
          <AskAgain />
        </>
      )}
    </Loaded>
  );
}

/** False where the link is void, unless it was this very account that used it. */
async function verify(token: string): Promise<boolean> {
  try {
    await users.verifyEmail({ token });
    return true;
  } catch (error) {
    if (reasonOf(error) !== "LINK_INVALID") throw error;
    if (!ownerId()) return false;
    return (await users.getCurrentUser({})).user?.emailVerified === true;
  }
}

function AskAgain() {
  return (
    <LinkForm
      lead="We mail you a link that shows the address to be yours."
      email={user()?.email ?? ""}
      send={(email) => users.requestEmailVerification({ email })}
      sent={(email) =>
        `If ${email} waits to be verified, a link is on its way. It is good for 24 hours.`
      }
    />
  );
}

// Follows the link that was mailed to an address, which verifies that it belongs to the person.
import { createSignal, Match, Switch } from "solid-js";
import { linkToken, removeLinkToken } from "../router";
import { reasonOf } from "../rpc/errors";
import { createLoad } from "../rpc/load";
import { users } from "../rpc/users";
import { user, userId } from "../session/state";
import { EmailLinkForm } from "../ui/email-link-form";
import { ButtonLink } from "../ui/link";
import { Page } from "../ui/page";
import { Alert, Loaded } from "../ui/states";

export default function VerifyEmail() {
  const [done, setDone] = createSignal(false);
  return (
    <Page title={done() ? "Your address is verified" : "Verify your address"} class="narrow">
      <Switch>
        <Match when={done()}>
          <p>Thank you. We will send mails about your orders to this address.</p>
          <p>
            <ButtonLink to={userId() ? "/account" : "/"} text="Continue" />
          </p>
        </Match>
        <Match when={linkToken()} keyed>
          {(token) => <FollowLink token={token} onDone={() => setDone(true)} />}
        </Match>
        <Match when={true}>
          <RequestLink />
        </Match>
      </Switch>
    </Page>
  );
}

function FollowLink(props: { token: string; onDone: () => void }) {
  const load = createLoad(async () => {
    if (!(await verifyEmail(props.token))) return "invalid";
    props.onDone();
    removeLinkToken();
  });
  return (
    <Loaded load={load}>
      {() => (
        <>
          <Alert>
            <p>This link has already been used or has expired.</p>
          </Alert>
          <RequestLink />
        </>
      )}
    </Loaded>
  );
}

/** Returns false if the link is invalid, unless this account has used it before. */
async function verifyEmail(token: string): Promise<boolean> {
  try {
    await users.verifyEmail({ token });
    return true;
  } catch (error) {
    if (reasonOf(error) !== "LINK_INVALID") throw error;
    if (!userId()) return false;
    return (await users.getCurrentUser({})).user?.emailVerified === true;
  }
}

function RequestLink() {
  return (
    <EmailLinkForm
      lead="We send you a link that verifies your address."
      email={user()?.email ?? ""}
      send={(email) => users.requestEmailVerification({ email })}
      sentMessage={(email) =>
        `If ${email} is not verified yet, a link is on its way. It is valid for 24 hours.`
      }
    />
  );
}

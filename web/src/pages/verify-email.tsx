// Follows the link that was mailed to an address, which verifies that it belongs to the person.
import { createSignal, Match, Show, Switch } from "solid-js";
import { linkToken, removeLinkToken } from "../router";
import { reasonOf } from "../rpc/errors";
import { users } from "../rpc/users";
import { user, userId, validAccessToken } from "../session/state";
import { tokenNewerThan } from "../session/token";
import { ActionError, createAction } from "../ui/action";
import { EmailLinkForm } from "../ui/email-link-form";
import { ButtonLink } from "../ui/link";
import { Page } from "../ui/page";
import { Alert } from "../ui/states";

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

/** A button follows the link, because mail scanners open every page that a mail links to. */
function FollowLink(props: { token: string; onDone: () => void }) {
  const [invalid, setInvalid] = createSignal(false);
  const verify = createAction(async () => {
    if (!(await verifyEmail(props.token))) {
      setInvalid(true);
      return;
    }
    // Only a new token states that the address is verified.
    const token = validAccessToken();
    if (token) tokenNewerThan(token).catch(() => {});
    props.onDone();
    removeLinkToken();
  });
  return (
    <Show
      when={invalid()}
      fallback={
        <div class="panel">
          <p>Confirm that this email address is yours.</p>
          <ActionError action={verify} />
          <button type="button" aria-disabled={verify.busy()} onClick={() => verify.run()}>
            Verify address
          </button>
        </div>
      }
    >
      <Alert>
        <p>This link has already been used or has expired.</p>
      </Alert>
      <RequestLink />
    </Show>
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

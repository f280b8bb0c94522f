// Sets a new password for a person who forgot theirs: they request a mail, and follow its link.
import { createSignal, Match, Show, Switch } from "solid-js";
import { linkToken, removeLinkToken } from "../router";
import { reasonOf } from "../rpc/errors";
import { users } from "../rpc/users";
import { EmailLinkForm } from "../ui/email-link-form";
import { PasswordField } from "../ui/field";
import { createForm, FormError } from "../ui/form";
import { ButtonLink } from "../ui/link";
import { Page } from "../ui/page";

export default function ResetPassword() {
  const [done, setDone] = createSignal(false);
  return (
    <Page title={done() ? "Your account is recovered" : "Recover your account"} class="narrow">
      <Switch>
        <Match when={done()}>
          <p>Log in with your new password. All sessions of your account have ended.</p>
          <p>
            <ButtonLink to="/login" text="Continue" />
          </p>
        </Match>
        <Match when={linkToken()} keyed>
          {(token) => <NewPassword token={token} onDone={() => setDone(true)} />}
        </Match>
        <Match when={true}>
          <EmailLinkForm
            lead="Enter the email address of your account. We send you a link to set a new password."
            send={(email) => users.requestPasswordReset({ email })}
            sentMessage={(email) =>
              `If ${email} has an account here, a link is on its way. It is valid for an hour.`
            }
          />
        </Match>
      </Switch>
    </Page>
  );
}

function NewPassword(props: { token: string; onDone: () => void }) {
  const [password, setPassword] = createSignal("");
  const form = createForm(async () => {
    await users.resetPassword({ token: props.token, newPassword: password() });
    props.onDone();
    removeLinkToken();
  });
  return (
    <form class="panel" noValidate onSubmit={form.submit}>
      <PasswordField
        autocomplete="new-password"
        value={password()}
        onInput={setPassword}
        error={form.fieldError("new_password")}
      />
      <FormError form={form} />
      <Show
        when={reasonOf(form.error()) !== "LINK_INVALID"}
        fallback={
          <button type="button" onClick={removeLinkToken}>
            Ask for a new link
          </button>
        }
      >
        <button type="submit" aria-disabled={form.busy()}>
          Save
        </button>
      </Show>
      <p class="hint">This ends all sessions of your account.</p>
    </form>
  );
}

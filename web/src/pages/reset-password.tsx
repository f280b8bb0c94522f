// A new password for who has forgotten the old one: asked for by mail, and set by the mail's link.
import { createSignal, Match, Show, Switch } from "solid-js";
import { dropToken, mailedToken } from "../router";
import { reasonOf } from "../rpc/errors";
import { users } from "../rpc/users";
import { LinkForm } from "../ui/email-link-form";
import { Field, NEW_PASSWORD_HINT } from "../ui/field";
import { createForm, FormError } from "../ui/form";
import { Page } from "../ui/page";

export default function ResetPassword() {
  const [done, setDone] = createSignal(false);
  return (
    <Page title={done() ? "It is set" : "Get back in"} class="narrow">
      <Switch>
        <Match when={done()}>
          <p>Your new password holds from now on, and every session of your account has ended.</p>
          <p>
            <a href="/login" class="button">
              Go on
            </a>
          </p>
        </Match>
        <Match when={mailedToken()} keyed>
          {(token) => <SetNew token={token} onDone={() => setDone(true)} />}
        </Match>
        <Match when={true}>
          <LinkForm
            lead="Tell us the address of your account, and we mail you a link that sets a new password."
            send={(email) => users.requestPasswordReset({ email })}
            sent={(email) =>
              `If ${email} has an account here, a link is on its way. It is good for an hour.`
            }
          />
        </Match>
      </Switch>
    </Page>
  );
}

function SetNew(props: { token: string; onDone: () => void }) {
  const [password, setPassword] = createSignal("");
  const form = createForm(async () => {
    await users.resetPassword({ token: props.token, newPassword: password() });
    props.onDone();
    dropToken();
  });
  return (
    <form class="panel" noValidate onSubmit={form.submit}>
      <Field
        label="Password"
        type="password"
        autocomplete="new-password"
        value={password()}
        onInput={setPassword}
        error={form.fieldError("new_password")}
        hint={NEW_PASSWORD_HINT}
      />
      <FormError form={form} />
      <Show
        when={reasonOf(form.error()) !== "LINK_INVALID"}
        fallback={
          <button type="button" onClick={dropToken}>
            Ask for a new link
          </button>
        }
      >
        <button type="submit" aria-disabled={form.busy()}>
          Set it
        </button>
      </Show>
      <p class="hint">Every session of the account ends with it.</p>
    </form>
  );
}

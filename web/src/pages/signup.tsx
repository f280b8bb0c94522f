import { createSignal, Show } from "solid-js";
import { navigate, place } from "../router";
import { signUp } from "../session/session";
import { Field, NEW_PASSWORD_HINT } from "../ui/field";
import { createForm, FormError } from "../ui/form";
import { Page } from "../ui/page";

export default function SignUp() {
  const [email, setEmail] = createSignal("");
  const [displayName, setDisplayName] = createSignal("");
  const [password, setPassword] = createSignal("");
  const form = createForm(async () => {
    await signUp(email(), password(), displayName());
    navigate(place().from ?? "/", { replace: true });
  });
  return (
    <Page title="Sign up" class="narrow">
      <form class="panel" noValidate onSubmit={form.submit}>
        <Field
          label="Email"
          type="email"
          autocomplete="email"
          value={email()}
          onInput={setEmail}
          error={form.fieldError("email")}
        />
        <Field
          label="Display name"
          autocomplete="name"
          value={displayName()}
          onInput={setDisplayName}
          error={form.fieldError("display_name")}
          hint="How we address you."
        />
        <Field
          label="Password"
          type="password"
          autocomplete="new-password"
          value={password()}
          onInput={setPassword}
          error={form.fieldError("password")}
          hint={NEW_PASSWORD_HINT}
        />
        <FormError form={form} />
        <button type="submit" aria-disabled={form.busy()}>
          Sign up
        </button>
      </form>
      <Show when={!form.busy()}>
        <p>
          You have an account already? <a href="/login">Use it</a>
        </p>
      </Show>
    </Page>
  );
}

import { createSignal, Show } from "solid-js";
import { navigate, route } from "../router";
import { signUp } from "../session/login";
import { EmailField, Field, PasswordField } from "../ui/field";
import { createForm, FormError } from "../ui/form";
import { Page } from "../ui/page";

export default function SignUp() {
  const [email, setEmail] = createSignal("");
  const [displayName, setDisplayName] = createSignal("");
  const [password, setPassword] = createSignal("");
  const form = createForm(async () => {
    await signUp(email(), password(), displayName());
    navigate(route().returnTo ?? "/", { replace: true });
  });
  return (
    <Page title="Sign up" class="narrow">
      <form class="panel" noValidate onSubmit={form.submit}>
        <EmailField
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
          hint="The name we use for you."
        />
        <PasswordField
          autocomplete="new-password"
          value={password()}
          onInput={setPassword}
          error={form.fieldError("password")}
        />
        <FormError form={form} />
        <button type="submit" aria-disabled={form.busy()}>
          Sign up
        </button>
      </form>
      <Show when={!form.busy()}>
        <p>
          Already have an account? <a href="/login">Use it</a>
        </p>
      </Show>
    </Page>
  );
}

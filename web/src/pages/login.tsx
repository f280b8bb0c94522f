import { createSignal } from "solid-js";
import { navigate, route } from "../router";
import { logIn } from "../session/login";
import { EmailField, PasswordField } from "../ui/field";
import { createForm, FormError } from "../ui/form";
import { Page } from "../ui/page";

export default function LogIn() {
  const [email, setEmail] = createSignal("");
  const [password, setPassword] = createSignal("");
  const form = createForm(async () => {
    await logIn(email(), password());
    navigate(route().returnTo ?? "/", { replace: true });
  });
  return (
    <Page title="Log in" class="narrow">
      <form class="panel" noValidate onSubmit={form.submit}>
        <EmailField
          autocomplete="username"
          value={email()}
          onInput={setEmail}
          error={form.fieldError("email")}
        />
        <PasswordField
          autocomplete="current-password"
          value={password()}
          onInput={setPassword}
          error={form.fieldError("password")}
        />
        <FormError form={form} />
        <button type="submit" aria-disabled={form.busy()}>
          Log in
        </button>
      </form>
      <p>
        New here? <a href="/signup">Create an account</a>
      </p>
      <p>
        Forgot your password? <a href="/reset-password">Set a new one</a>
      </p>
    </Page>
  );
}

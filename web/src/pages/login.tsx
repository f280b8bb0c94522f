import { createSignal } from "solid-js";
import { navigate, place } from "../router";
import { logIn } from "../session/session";
import { Field } from "../ui/field";
import { createForm, FormError } from "../ui/form";
import { Page } from "../ui/page";

export default function LogIn() {
  const [email, setEmail] = createSignal("");
  const [password, setPassword] = createSignal("");
  const form = createForm(async () => {
    await logIn(email(), password());
    navigate(place().from ?? "/", { replace: true });
  });
  return (
    <Page title="Log in" class="narrow">
      <form class="panel" noValidate onSubmit={form.submit}>
        <Field
          label="Email"
          type="email"
          autocomplete="username"
          value={email()}
          onInput={setEmail}
          error={form.fieldError("email")}
        />
        <Field
          label="Password"
          type="password"
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
        New here? <a href="/signup">Make an account</a>
      </p>
      <p>
        Forgotten it? <a href="/reset-password">Set a new one</a>
      </p>
    </Page>
  );
}

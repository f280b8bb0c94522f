// Asks for a link by mail. Whether there is such an account is never told.
import { createSignal, Show } from "solid-js";
import { Field } from "./field";
import { createForm, FormError } from "./form";

export function LinkForm(props: {
  lead: string;
  email?: string;
  send: (email: string) => Promise<unknown>;
  /** What is said of the address once it is sent. */
  sent: (email: string) => string;
}) {
  const [email, setEmail] = createSignal(props.email ?? "");
  const [told, setTold] = createSignal("");
  const form = createForm(async () => {
    setTold("");
    await props.send(email());
    setTold(props.sent(email()));
  });
  return (
    <form class="panel" noValidate onSubmit={form.submit}>
      <p>{props.lead}</p>
      <Field
        label="Email"
        type="email"
        autocomplete="username"
        value={email()}
        onInput={setEmail}
        error={form.fieldError("email")}
      />
      <FormError form={form} />
      <button type="submit" aria-disabled={form.busy()}>
        Send the link
      </button>
      <p class="told" aria-live="polite">
        <Show when={told()}>{told()}</Show>
      </p>
    </form>
  );
}

// Requests a mail with a link. The response never reveals whether the address has an account.
import { createSignal, Show } from "solid-js";
import { EmailField } from "./field";
import { createForm, FormError } from "./form";

export function EmailLinkForm(props: {
  lead: string;
  email?: string;
  send: (email: string) => Promise<unknown>;
  /** The message after the request. */
  sentMessage: (email: string) => string;
}) {
  const [email, setEmail] = createSignal(props.email ?? "");
  const [message, setMessage] = createSignal("");
  const form = createForm(async () => {
    setMessage("");
    await props.send(email());
    setMessage(props.sentMessage(email()));
  });
  return (
    <form class="panel" noValidate onSubmit={form.submit}>
      <p>{props.lead}</p>
      <EmailField
        autocomplete="username"
        value={email()}
        onInput={setEmail}
        error={form.fieldError("email")}
      />
      <FormError form={form} />
      <button type="submit" aria-disabled={form.busy()}>
        Send the link
      </button>
      <p class="message" aria-live="polite">
        <Show when={message()}>{message()}</Show>
      </p>
    </form>
  );
}

// The name that the shop uses, and whether the address is known to be the person's.
import { createSignal, Show } from "solid-js";
import type { User } from "../../gen/shopmesh/user/v1/user_service_pb";
import { users } from "../../rpc/users";
import { noteUser } from "../../session/session";
import { Field } from "../../ui/field";
import { createForm, FormError } from "../../ui/form";
import { timeWords } from "../../ui/labels";

export function Profile(props: { user: User; onChange: (user: User) => void }) {
  const [displayName, setDisplayName] = createSignal(props.user.displayName);
  const [saved, setSaved] = createSignal(false);
  const form = createForm(async () => {
    const { user } = await users.updateCurrentUser({
      user: { displayName: displayName() },
      updateMask: { paths: ["display_name"] },
    });
    noteUser(user);
    if (user) props.onChange(user);
    setSaved(true);
  });
  return (
    <section class="panel" aria-labelledby="profile">
      <h2 id="profile">Profile</h2>
      <dl class="facts">
        <dt>Address</dt>
        <dd>
          {props.user.email} <Verified user={props.user} />
        </dd>
        <dt>With us since</dt>
        <dd>{timeWords(props.user.createTime)}</dd>
      </dl>
      <form class="one-line" noValidate onSubmit={form.submit}>
        <Field
          label="Display name"
          autocomplete="name"
          value={displayName()}
          onInput={(name) => {
            setSaved(false);
            setDisplayName(name);
          }}
          error={form.fieldError("user.display_name")}
        />
        <button type="submit" class="quiet" aria-disabled={form.busy()}>
          Save
        </button>
      </form>
      <FormError form={form} />
      <p class="told" aria-live="polite">
        <Show when={saved()}>Saved. We call you {props.user.displayName} from now on.</Show>
      </p>
    </section>
  );
}

function Verified(props: { user: User }) {
  const [sent, setSent] = createSignal(false);
  const form = createForm(async () => {
    await users.requestEmailVerification({ email: props.user.email });
    setSent(true);
  });
  return (
    <Show when={!props.user.emailVerified} fallback={<span class="badge good">Verified</span>}>
      <span class="badge low">Not verified</span>
      <form class="verify" onSubmit={form.submit}>
        <p class="hint" aria-live="polite">
          <Show when={sent()} fallback="We mailed you a link when you signed up.">
            A new link is on its way to you. It is good for 24 hours.
          </Show>
        </p>
        <button type="submit" class="quiet" aria-disabled={form.busy()}>
          Send the link again
        </button>
        <FormError form={form} />
      </form>
    </Show>
  );
}

// The profile: email address, display name, and whether the address is verified.
import { createSignal, Show } from "solid-js";
import type { User } from "../../gen/shopmesh/user/v1/user_service_pb";
import { users } from "../../rpc/users";
import { updateUser } from "../../session/state";
import { Field } from "../../ui/field";
import { createForm, FormError } from "../../ui/form";
import { formatTime } from "../../util/format";

export function Profile(props: { user: User; onChange: (user: User) => void }) {
  const [displayName, setDisplayName] = createSignal(props.user.displayName);
  const [saved, setSaved] = createSignal(false);
  const form = createForm(async () => {
    const { user } = await users.updateCurrentUser({
      user: { displayName: displayName() },
      updateMask: { paths: ["display_name"] },
    });
    updateUser(user);
    if (user) props.onChange(user);
    setSaved(true);
  });
  return (
    <section class="panel" aria-labelledby="profile">
      <h2 id="profile">Profile</h2>
      <dl class="profile">
        <dt>Address</dt>
        <dd>
          {props.user.email} <Verification user={props.user} />
        </dd>
        <dt>Customer since</dt>
        <dd>{formatTime(props.user.createTime)}</dd>
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
      <p class="message" aria-live="polite">
        <Show when={saved()}>Saved. From now on we call you {props.user.displayName}.</Show>
      </p>
    </section>
  );
}

function Verification(props: { user: User }) {
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
          <Show when={sent()} fallback="We sent you a link when you signed up.">
            A new link is on its way to you. It is valid for 24 hours.
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

// Changes the password of a person who knows the current one.
import { createSignal, Show } from "solid-js";
import { reasonOf } from "../../rpc/errors";
import { users } from "../../rpc/users";
import { PasswordField } from "../../ui/field";
import { createForm, FormError } from "../../ui/form";

export function ChangePassword() {
  const [step, setStep] = createSignal<"closed" | "open" | "done">("closed");
  return (
    <section class="panel">
      <h2>Password</h2>
      <Show
        when={step() === "open"}
        fallback={
          <div class="spread">
            <p aria-live="polite">
              {step() === "done"
                ? "Your password is changed, and all your other sessions have ended."
                : "A change of the password ends all your other sessions."}
            </p>
            <button type="button" class="quiet" onClick={() => setStep("open")}>
              Change it
            </button>
          </div>
        }
      >
        <PasswordForm onDone={() => setStep("done")} onCancel={() => setStep("closed")} />
      </Show>
    </section>
  );
}

function PasswordForm(props: { onDone: () => void; onCancel: () => void }) {
  const [currentPassword, setCurrentPassword] = createSignal("");
  const [newPassword, setNewPassword] = createSignal("");
  const form = createForm(async () => {
    await users.changePassword({
      currentPassword: currentPassword(),
      newPassword: newPassword(),
    });
    props.onDone();
  });
  const wrongPassword = () =>
    reasonOf(form.error()) === "BAD_CREDENTIALS" ? "That is not your current password." : undefined;
  return (
    <form class="fields" noValidate onSubmit={form.submit}>
      <PasswordField
        label="Current password"
        autocomplete="current-password"
        value={currentPassword()}
        onInput={setCurrentPassword}
        error={wrongPassword() ?? form.fieldError("current_password")}
        focused
      />
      <PasswordField
        label="New password"
        autocomplete="new-password"
        value={newPassword()}
        onInput={setNewPassword}
        error={form.fieldError("new_password")}
      />
      <Show when={!wrongPassword()}>
        <FormError form={form} />
      </Show>
      <div class="row">
        <button type="submit" aria-disabled={form.busy()}>
          Save
        </button>
        <button type="button" class="quiet" onClick={() => props.onCancel()}>
          Keep the old one
        </button>
      </div>
    </form>
  );
}

// A new password, for who knows the present one.
import { createSignal, Show } from "solid-js";
import { reasonOf } from "../../rpc/errors";
import { users } from "../../rpc/users";
import { Field, NEW_PASSWORD_HINT } from "../../ui/field";
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
                ? "It is changed, and you are logged out everywhere else."
                : "Changing it logs you out everywhere else."}
            </p>
            <button type="button" class="quiet" onClick={() => setStep("open")}>
              Change it
            </button>
          </div>
        }
      >
        <Change onDone={() => setStep("done")} onLeave={() => setStep("closed")} />
      </Show>
    </section>
  );
}

function Change(props: { onDone: () => void; onLeave: () => void }) {
  const [current, setCurrent] = createSignal("");
  const [next, setNext] = createSignal("");
  const form = createForm(async () => {
    await users.changePassword({ currentPassword: current(), newPassword: next() });
    props.onDone();
  });
  const wrong = () =>
    reasonOf(form.error()) === "BAD_CREDENTIALS" ? "That is not your current password." : undefined;
  return (
    <form class="fields" noValidate onSubmit={form.submit}>
      <Field
        label="Current password"
        type="password"
        autocomplete="current-password"
        value={current()}
        onInput={setCurrent}
        error={wrong() ?? form.fieldError("current_password")}
        focused
      />
      <Field
        label="New password"
        type="password"
        autocomplete="new-password"
        value={next()}
        onInput={setNext}
        error={form.fieldError("new_password")}
        hint={NEW_PASSWORD_HINT}
      />
      <Show when={!wrong()}>
        <FormError form={form} />
      </Show>
      <div class="row">
        <button type="submit" aria-disabled={form.busy()}>
          Save
        </button>
        <button type="button" class="quiet" onClick={() => props.onLeave()}>
          Keep the old one
        </button>
      </div>
    </form>
  );
}

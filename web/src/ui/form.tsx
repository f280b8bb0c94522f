// One submission at a time, and what came of it: errors of fields beside them, the rest below.
import { createSignal, Show } from "solid-js";
import { badFieldsOf, wordsFor } from "../rpc/errors";
import { Alert } from "./states";

export interface Form {
  submit(event: SubmitEvent): void;
  busy(): boolean;
  /** What is wrong with the field that the contract calls so. */
  fieldError(field: string): string | undefined;
  error(): unknown;
}

export function createForm(send: () => Promise<void>): Form {
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal<unknown>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy()) return;
    const form = event.currentTarget as HTMLFormElement;
    setBusy(true);
    setError(undefined);
    try {
      await send();
    } catch (error) {
      setError(error);
      focusFirstBad(form);
    } finally {
      setBusy(false);
    }
  };
  return { submit, busy, error, fieldError: (field) => badFieldsOf(error())[field] };
}

/** Takes the person to the first field that needs another look. */
export function focusFirstBad(form: HTMLElement): void {
  form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
}

export function FormError(props: { form: Form }) {
  const error = () => {
    const error = props.form.error();
    return error !== undefined && Object.keys(badFieldsOf(error)).length === 0 ? error : undefined;
  };
  return (
    <Show when={error()}>
      {(error) => (
        <Alert>
          <p>{wordsFor(error())}</p>
        </Alert>
      )}
    </Show>
  );
}

// Forms: one submission at a time. The errors of fields are shown beside them, all others below.
import type { JSX } from "solid-js";
import { hasInvalidFields, invalidFieldsOf } from "../rpc/errors";
import { ActionError, createAction } from "./action";

export interface Form {
  submit(event: SubmitEvent): void;
  busy(): boolean;
  /** Returns the problem of a field, by its path in the contract. */
  fieldError(field: string): string | undefined;
  error(): unknown;
}

export function createForm(send: () => Promise<void>): Form {
  const { run, busy, error } = createAction(send);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    await run();
    focusFirstInvalid(form);
  };
  return { submit, busy, error, fieldError: (field) => invalidFieldsOf(error())[field] };
}

export function focusFirstInvalid(form: HTMLElement): void {
  form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
}

export function FormError(props: { form: Form }) {
  const error = () => (hasInvalidFields(props.form.error()) ? undefined : props.form.error());
  return <ActionError action={{ error }} />;
}

/** The submit button, and beside it a status. */
export function SubmitRow(props: {
  form: Form;
  label: string;
  class?: string;
  status: JSX.Element;
}) {
  return (
    <div class="row">
      <button type="submit" class={props.class} aria-disabled={props.form.busy()}>
        {props.label}
      </button>
      <p class="hint" role="status">
        {props.status}
      </p>
    </div>
  );
}

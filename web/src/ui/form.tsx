// One submission at a time, and what came of it: errors of fields beside them, the rest below.
import { badFieldsOf } from "../rpc/errors";
import { ActionError, createAction } from "./action";

export interface Form {
  submit(event: SubmitEvent): void;
  busy(): boolean;
  /** What is wrong with the field that the contract calls so. */
  fieldError(field: string): string | undefined;
  error(): unknown;
}

export function createForm(send: () => Promise<void>): Form {
  const { run, busy, error } = createAction(send);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    await run();
    focusFirstBad(form);
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
    return Object.keys(badFieldsOf(error)).length === 0 ? error : undefined;
  };
  return <ActionError of={{ error }} />;
}

// Form fields. The whole text of the label is the accessible name, and the error is beside the field.
import { createMemo, createUniqueId, For, type JSX, onMount, Show } from "solid-js";

/** What all fields have around their control: the label above, the hint and the error below. */
export function FieldFrame(props: {
  id: string;
  label: string;
  labelHidden?: boolean;
  hint?: string | undefined;
  error?: string | undefined;
  class?: string | undefined;
  children: JSX.Element;
}) {
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={props.id} classList={{ "visually-hidden": props.labelHidden === true }}>
        {props.label}
      </label>
      {props.children}
      <Show when={props.hint}>
        <p id={`${props.id}-hint`} class="hint">
          {props.hint}
        </p>
      </Show>
      <Show when={props.error}>
        <p id={`${props.id}-error`} class="field-error" role="alert">
          {props.error}
        </p>
      </Show>
    </div>
  );
}

/** Returns the ids of the hint and the error of a field, for `aria-describedby`. */
export const describedBy = (id: string): string => `${id}-hint ${id}-error`;

interface CommonProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  /** The problem of the value; empty or absent if there is none. */
  error?: string | undefined;
  class?: string;
}

function errorOf({ error, value }: CommonProps): string | undefined {
  return error && value.trim() === "" ? "Please fill this in." : error;
}

export function Field(
  props: CommonProps & {
    type?: "text" | "email" | "password" | "number";
    autocomplete?: JSX.HTMLAutocomplete;
    /** Values to choose from; any other can be typed. */
    suggestions?: string[];
    hint?: string;
    /** Takes the focus when it appears. */
    focused?: boolean;
  },
) {
  const id = createUniqueId();
  let input!: HTMLInputElement;
  onMount(() => props.focused && input.focus());
  return (
    <FieldFrame {...props} id={id} error={errorOf(props)}>
      <input
        ref={input}
        id={id}
        type={props.type ?? "text"}
        autocomplete={props.autocomplete ?? "off"}
        list={props.suggestions && `${id}-list`}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
        aria-invalid={props.error ? "true" : undefined}
        aria-describedby={describedBy(id)}
      />
      <Show when={props.suggestions}>
        {(suggestions) => (
          <datalist id={`${id}-list`}>
            <For each={suggestions()}>{(value) => <option value={value} />}</For>
          </datalist>
        )}
      </Show>
    </FieldFrame>
  );
}

type FormFieldProps = Omit<CommonProps, "label">;

export function EmailField(props: FormFieldProps & { autocomplete: "email" | "username" }) {
  return <Field {...props} label="Email" type="email" />;
}

export function PasswordField(
  props: FormFieldProps & {
    label?: string;
    autocomplete: "current-password" | "new-password";
    focused?: boolean;
  },
) {
  const hint = () =>
    props.autocomplete === "new-password"
      ? "At least 8 characters. A few words in a row work well."
      : "";
  return <Field {...props} label={props.label ?? "Password"} type="password" hint={hint()} />;
}

/** Text of several lines. */
export function TextArea(props: CommonProps & { rows: number }) {
  const id = createUniqueId();
  return (
    <FieldFrame {...props} id={id} error={errorOf(props)}>
      <textarea
        id={id}
        rows={props.rows}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
        aria-invalid={props.error ? "true" : undefined}
        aria-describedby={describedBy(id)}
      />
    </FieldFrame>
  );
}

export interface Option {
  value: string;
  text: string;
  disabled?: boolean;
}

export function Select(
  props: CommonProps & { options: Option[]; autocomplete?: JSX.HTMLAutocomplete },
) {
  const id = createUniqueId();
  return (
    <FieldFrame {...props} id={id} error={errorOf(props)}>
      <select
        id={id}
        autocomplete={props.autocomplete}
        onChange={(event) => props.onInput(event.currentTarget.value)}
        aria-invalid={props.error ? "true" : undefined}
        aria-describedby={describedBy(id)}
      >
        <Options options={props.options} value={props.value} />
      </select>
    </FieldFrame>
  );
}

export function Options(props: { options: Option[]; value: string }) {
  const value = createMemo(() => props.value);
  return (
    <>
      {props.options.map((option) => (
        <option
          value={option.value}
          selected={option.value === value()}
          disabled={option.disabled ?? false}
        >
          {option.text}
        </option>
      ))}
    </>
  );
}

export function Quantity(props: {
  label: string;
  /** Hides the label where the row around the field says the same. */
  labelHidden?: boolean;
  value: number;
  onChange: (value: number) => void;
}) {
  const id = createUniqueId();
  return (
    <FieldFrame {...props} id={id} class="quantity">
      <input
        id={id}
        type="number"
        inputmode="numeric"
        min="1"
        max="99"
        value={props.value}
        onChange={(event) => {
          const input = event.currentTarget;
          props.onChange(input.valueAsNumber);
          // Shows the value that holds if the typed one was rejected.
          input.value = String(props.value);
        }}
      />
    </FieldFrame>
  );
}

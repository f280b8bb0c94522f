// Form fields: the label's whole text is the name, and what is wrong stands beside the field.
import { createMemo, createUniqueId, For, type JSX, onMount, Show } from "solid-js";

export const NEW_PASSWORD_HINT = "At least 8 characters. A few words in a row are good.";

interface Common {
  label: string;
  value: string;
  onInput: (value: string) => void;
  /** What is wrong with it; empty or absent where nothing is. */
  error?: string | undefined;
}

export function Field(
  props: Common & {
    type?: "text" | "email" | "password" | "number" | "date";
    autocomplete?: JSX.HTMLAutocomplete;
    /** Values to choose from, or to write another. */
    suggestions?: string[];
    hint?: string;
    class?: string;
    /** Takes the focus as it appears. */
    focused?: boolean;
  },
) {
  const id = createUniqueId();
  let input!: HTMLInputElement;
  onMount(() => props.focused && input.focus());
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={id}>{props.label}</label>
      <input
        ref={input}
        id={id}
        type={props.type ?? "text"}
        autocomplete={props.autocomplete ?? "off"}
        list={props.suggestions && `${id}-list`}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
        aria-invalid={props.error ? "true" : undefined}
        aria-describedby={`${id}-hint ${id}-error`}
      />
      <Show when={props.suggestions}>
        {(suggestions) => (
          <datalist id={`${id}-list`}>
            <For each={suggestions()}>{(value) => <option value={value} />}</For>
          </datalist>
        )}
      </Show>
      <Show when={props.hint}>
        <p id={`${id}-hint`} class="hint">
          {props.hint}
        </p>
      </Show>
      <FieldError id={`${id}-error`} error={props.error} missing={props.value.trim() === ""} />
    </div>
  );
}

/** Text of several lines. */
export function TextArea(props: Common & { rows: number; class?: string }) {
  const id = createUniqueId();
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={id}>{props.label}</label>
      <textarea
        id={id}
        rows={props.rows}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
        aria-invalid={props.error ? "true" : undefined}
        aria-describedby={`${id}-error`}
      />
      <FieldError id={`${id}-error`} error={props.error} missing={props.value.trim() === ""} />
    </div>
  );
}

export function Select(
  props: Common & {
    options: { value: string; text: string; disabled?: boolean }[];
    autocomplete?: JSX.HTMLAutocomplete;
    class?: string;
  },
) {
  const id = createUniqueId();
  const value = createMemo(() => props.value);
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={id}>{props.label}</label>
      <select
        id={id}
        autocomplete={props.autocomplete}
        onChange={(event) => props.onInput(event.currentTarget.value)}
        aria-invalid={props.error ? "true" : undefined}
        aria-describedby={`${id}-error`}
      >
        {props.options.map((option) => (
          <option
            value={option.value}
            selected={option.value === value()}
            disabled={option.disabled ?? false}
          >
            {option.text}
          </option>
        ))}
      </select>
      <FieldError id={`${id}-error`} error={props.error} missing={props.value === ""} />
    </div>
  );
}

function FieldError(props: { id: string; error: string | undefined; missing: boolean }) {
  return (
    <Show when={props.error}>
      {(error) => (
        <p id={props.id} class="field-error" role="alert">
          {props.missing ? "Please fill this in." : error()}
        </p>
      )}
    </Show>
  );
}

export function Quantity(props: {
  label: string;
  /** Where the label is not seen, the control stands in a row that says the same. */
  labelHidden?: boolean;
  value: number;
  onChange: (value: number) => void;
}) {
  const id = createUniqueId();
  return (
    <div class="field quantity">
      <label for={id} classList={{ "visually-hidden": props.labelHidden === true }}>
        {props.label}
      </label>
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
          // What was refused goes back to what holds.
          input.value = String(props.value);
        }}
      />
    </div>
  );
}

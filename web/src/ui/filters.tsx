// What narrows a list: kept in the address, so that it survives a reload and a step back.
import { createEffect, createMemo, createUniqueId, type JSX, untrack } from "solid-js";
import { place, setSearch } from "../router";
import { debounced } from "../util/debounce";

const TYPING_PAUSE_MS = 180;

export interface Filters {
  /** The query of the address, which stands for all of them. */
  search(): string;
  get(name: string): string;
  /** Changes those that `values` names, and leaves the others. */
  set(values: Record<string, string>): void;
}

/** What is not in the address has its default. */
export function createFilters(defaults: Record<string, string> = {}): Filters {
  const path = untrack(place).path;
  // While the next page opens, the list of this one stays as it is.
  const search = createMemo<string>(
    (before) => (place().path === path ? place().search : before),
    untrack(place).search,
  );
  const values = createMemo(() => new URLSearchParams(search()));
  return {
    search,
    get: (name) => values().get(name) ?? defaults[name] ?? "",
    set(changes) {
      const next = new URLSearchParams(search());
      for (const [name, value] of Object.entries(changes)) {
        if (value && value !== defaults[name]) next.set(name, value);
        else next.delete(name);
      }
      const query = next.size > 0 ? `?${next}` : "";
      if (query !== search()) setSearch(query);
    },
  };
}

/** Takes effect on Enter and where a field is left; a search as it is typed. */
export function FilterForm(props: { filters: Filters; children: JSX.Element }) {
  const apply = (form: HTMLFormElement) => {
    const typed: Record<string, string> = {};
    for (const field of form.elements) {
      if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement)) continue;
      const off = field instanceof HTMLInputElement && field.type === "checkbox" && !field.checked;
      typed[field.name] = off ? "" : field.value.trim();
    }
    props.filters.set(typed);
  };
  const later = debounced(TYPING_PAUSE_MS, apply);
  return (
    <search>
      <form
        class="admin-filters"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          apply(event.currentTarget);
        }}
        onChange={(event) => apply(event.currentTarget)}
        onInput={(event) => {
          const { target, currentTarget } = event;
          if (target instanceof HTMLInputElement && target.type === "search") later(currentTarget);
        }}
      >
        {props.children}
      </form>
    </search>
  );
}

interface Common {
  filters: Filters;
  label: string;
  name: string;
}

export function FilterText(
  props: Common & {
    type?: "search" | "text" | "email" | "date";
    inputmode?: "decimal";
    class?: string;
    error?: string | undefined;
  },
) {
  const id = createUniqueId();
  let input!: HTMLInputElement;
  // The text follows the address, but never while somebody types.
  createEffect(() => {
    const value = props.filters.get(props.name);
    if (document.activeElement !== input) input.value = value;
  });
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={id}>{props.label}</label>
      <input
        ref={input}
        id={id}
        name={props.name}
        type={props.type ?? "text"}
        inputmode={props.inputmode}
        autocomplete="off"
        aria-invalid={props.error ? "true" : undefined}
        aria-describedby={`${id}-error`}
      />
      {props.error && (
        <p id={`${id}-error`} class="field-error" role="alert">
          {props.error}
        </p>
      )}
    </div>
  );
}

export function FilterSelect(props: Common & { options: { value: string; text: string }[] }) {
  const id = createUniqueId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select id={id} name={props.name}>
        {props.options.map(({ value, text }) => (
          <option value={value} selected={value === props.filters.get(props.name)}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

export function FilterCheck(props: Common) {
  return (
    <label class="check">
      <input
        type="checkbox"
        name={props.name}
        value="1"
        checked={props.filters.get(props.name) !== ""}
      />
      {props.label}
    </label>
  );
}

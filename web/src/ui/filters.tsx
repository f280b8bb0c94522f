// The filters of a list. They are kept in the address, so that they survive a reload and going back.
import { createEffect, createMemo, createUniqueId, type JSX, untrack } from "solid-js";
import { route, setSearch } from "../router";
import { createDebounced } from "../util/debounce";
import { describedBy, FieldFrame, type Option, Options } from "./field";

const TYPING_PAUSE_MS = 180;

export interface Filters {
  /** The query of the address, which has all of them. */
  search(): string;
  get(name: string): string;
  /** Changes the given filters and keeps all others. */
  set(values: Record<string, string>): void;
}

/** A filter that is not in the address has its default. */
export function createFilters(defaults: Record<string, string> = {}): Filters {
  const { path } = untrack(route);
  // While the next page opens, the list of this one stays as it is.
  const search = createMemo<string>(
    (before) => (route().path === path ? route().search : before),
    untrack(route).search,
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

/** Applies the filters on Enter and when a field is left; a search while it is typed. */
export function FilterForm(props: { filters: Filters; class: string; children: JSX.Element }) {
  const apply = (form: HTMLFormElement) => props.filters.set(valuesOf(form));
  const applyLater = createDebounced(TYPING_PAUSE_MS, apply);
  return (
    <search>
      <form
        class={props.class}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          apply(event.currentTarget);
        }}
        onChange={(event) => apply(event.currentTarget)}
        onInput={({ target, currentTarget }) => {
          if (target instanceof HTMLInputElement && target.type === "search") {
            applyLater(currentTarget);
          }
        }}
      >
        {props.children}
      </form>
    </search>
  );
}

function valuesOf(form: HTMLFormElement): Record<string, string> {
  const values: Record<string, string> = {};
  for (const field of form.elements) {
    if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement)) continue;
    const off = field instanceof HTMLInputElement && field.type === "checkbox" && !field.checked;
    values[field.name] = off ? "" : field.value.trim();
  }
  return values;
}

interface FilterProps {
  filters: Filters;
  label: string;
  name: string;
}

export function FilterText(
  props: FilterProps & {
    type?: "search" | "text" | "email" | "date";
    inputmode?: "decimal";
    maxlength?: number;
    class?: string;
    error?: string | undefined;
  },
) {
  const id = createUniqueId();
  let input!: HTMLInputElement;
  // The text follows the address, but never while the person types.
  createEffect(() => {
    const value = props.filters.get(props.name);
    if (document.activeElement !== input) input.value = value;
  });
  return (
    <FieldFrame {...props} id={id}>
      <input
        ref={input}
        id={id}
        name={props.name}
        type={props.type ?? "text"}
        inputmode={props.inputmode}
        maxlength={props.maxlength}
        autocomplete="off"
        aria-invalid={props.error ? "true" : undefined}
        aria-describedby={describedBy(id)}
      />
    </FieldFrame>
  );
}

export function FilterSelect(props: FilterProps & { options: Option[] }) {
  const id = createUniqueId();
  return (
    <FieldFrame {...props} id={id}>
      <select id={id} name={props.name}>
        <Options options={props.options} value={props.filters.get(props.name)} />
      </select>
    </FieldFrame>
  );
}

export function FilterCheck(props: FilterProps) {
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

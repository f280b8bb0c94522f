// The rows of a list.
import { type Accessor, createMemo, For, type JSX, Show } from "solid-js";

/** The placeholder of a list that is loading. */
export function RowsSkeleton() {
  return (
    <div class="panel skeleton" aria-hidden="true">
      <For each={Array(8).fill(0)}>{() => <span class="bar" />}</For>
    </div>
  );
}

/** Keeps a row while its key is in the list, so that a button in it keeps the focus. */
export function ForKeyed<T>(props: {
  each: T[];
  by: (item: T) => string;
  children: (item: Accessor<T>) => JSX.Element;
}) {
  const items = createMemo(() => new Map(props.each.map((item) => [props.by(item), item])));
  return (
    <For each={[...items().keys()]}>
      {(key) => <Show when={items().get(key)}>{(item) => props.children(item)}</Show>}
    </For>
  );
}

/** A column of a table: its heading, and the class of its cells. */
export interface Column {
  heading: string;
  class?: string;
}

export function TableHead(props: { columns: Column[]; children?: JSX.Element }) {
  return (
    <thead>
      <tr>
        {props.columns.map((column) => (
          <th scope="col" class={column.class}>
            {column.heading}
          </th>
        ))}
        {props.children}
      </tr>
    </thead>
  );
}

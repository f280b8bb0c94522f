// Rows of a list: where they will stand, and those that stay the same row when what they show changes.
import { type Accessor, createMemo, For, type JSX, Show } from "solid-js";

export function Rows() {
  return (
    <div class="panel skeleton" aria-hidden="true">
      <For each={Array(8).fill(0)}>{() => <span class="bar" />}</For>
    </div>
  );
}

/** A row lives as long as its key is there, so that a button in it keeps the focus. */
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

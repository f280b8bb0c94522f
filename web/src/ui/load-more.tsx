// The button at the end of a list that has another page.
import { Show } from "solid-js";
import type { List } from "../rpc/load";
import { Trouble } from "./states";

export function More<T>(props: { list: List<T> }) {
  return (
    <Show when={props.list.data()?.next}>
      <div class="more">
        <Show
          when={props.list.moreError() === undefined}
          fallback={<Trouble error={props.list.moreError()} again={props.list.more} />}
        >
          <button
            type="button"
            class="quiet"
            aria-disabled={props.list.loadingMore()}
            onClick={() => props.list.more()}
          >
            {props.list.loadingMore() ? "Loading…" : "Show more"}
          </button>
        </Show>
      </div>
    </Show>
  );
}

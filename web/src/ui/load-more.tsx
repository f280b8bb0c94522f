// The button at the end of a list that has a next page.
import { Show } from "solid-js";
import type { List } from "../rpc/load";
import { LoadError } from "./states";

export function LoadMore<T>(props: { list: List<T> }) {
  return (
    <Show when={props.list.data()?.nextPageToken}>
      <div class="more">
        <Show
          when={props.list.loadMoreError() === undefined}
          fallback={<LoadError error={props.list.loadMoreError()} retry={props.list.loadMore} />}
        >
          <button
            type="button"
            class="quiet"
            aria-disabled={props.list.loadingMore()}
            onClick={() => props.list.loadMore()}
          >
            {props.list.loadingMore() ? "Loading…" : "Show more"}
          </button>
        </Show>
      </div>
    </Show>
  );
}

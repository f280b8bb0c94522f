// A list that is read page by page, in both directions. The mesh returns only the token of the next
// page, so the tokens of the pages before are kept on a stack.
import { createSignal, untrack } from "solid-js";
import { navigation, route } from "../router";
import { invalidFieldsOf } from "../rpc/errors";
import { createLoad, type ListPage, type Load } from "../rpc/load";

export interface PagedList<T> extends Load<ListPage<T>> {
  next(): void;
  previous(): void;
  /** The number of the current page, from 1. */
  number(): number;
}

/** The tokens that led to the current page, and the filters that they belong to. */
interface Position {
  filters: string;
  tokens: string[];
}

/** The position of each list when its page was left, so that going back finds it again. */
const lastPositions = new Map<string, Position>();

/** Starts at the first page again whenever `filters` changes. */
export function createPagedList<T>(
  filters: () => string,
  fetch: (pageToken: string, signal: AbortSignal) => Promise<ListPage<T>>,
): PagedList<T> {
  const { path } = untrack(route);
  const restored = untrack(navigation) === "history" ? lastPositions.get(path) : undefined;
  const [position, setPosition] = createSignal<Position>(restored ?? { filters: "", tokens: [] });
  const tokens = () => (position().filters === filters() ? position().tokens : []);
  const goTo = (tokens: string[]) => {
    const position = { filters: filters(), tokens };
    lastPositions.set(path, position);
    setPosition(position);
  };
  const load = createLoad(async (signal) => {
    const token = tokens().at(-1) ?? "";
    try {
      return await fetch(token, signal);
    } catch (error) {
      // The keys of the mesh have changed, so no token of before is valid: start again.
      if (token && invalidFieldsOf(error).page_token && !signal.aborted) goTo([]);
      throw error;
    }
  });
  return {
    ...load,
    next() {
      const token = load.data()?.nextPageToken;
      // While a page is loading, the token still belongs to the page before.
      if (token && !load.loading()) goTo([...tokens(), token]);
    },
    previous: () => goTo(tokens().slice(0, -1)),
    number: () => tokens().length + 1,
  };
}

/** The buttons of a paged list. `top` is the element that gets the focus after a click. */
export function Pager<T>(props: { list: PagedList<T>; top: () => HTMLElement | undefined }) {
  const turn = (go: () => void) => {
    go();
    const top = props.top();
    top?.focus({ preventScroll: true });
    top?.scrollIntoView({ block: "nearest" });
  };
  return (
    <div class="pager">
      <button
        type="button"
        class="quiet"
        disabled={props.list.number() === 1}
        onClick={() => turn(props.list.previous)}
      >
        Previous page
      </button>
      <span class="muted" role="status">
        Page {props.list.number()}
      </span>
      <button
        type="button"
        class="quiet"
        disabled={props.list.loading() || !props.list.data()?.nextPageToken}
        onClick={() => turn(props.list.next)}
      >
        Next page
      </button>
    </div>
  );
}

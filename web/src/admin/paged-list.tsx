// Lists that are read a page at a time, both ways. The mesh knows only what comes next: the way back
// is the stack of tokens that led here.
import { createSignal, untrack } from "solid-js";
import { moved, place } from "../router";
import { badFieldsOf } from "../rpc/errors";
import { createLoad, type Load, type Page } from "../rpc/load";

export interface Paged<T> extends Load<Page<T>> {
  next(): void;
  previous(): void;
  /** Of the page that is shown, from 1. */
  number(): number;
}

// Where each list was left, so that a step back finds it there.
const left = new Map<string, Trail>();

interface Trail {
  filters: string;
  tokens: string[];
}

/** `filters` stands for what narrows the list: whenever it changes, the list begins anew. */
export function createPaged<T>(
  filters: () => string,
  ask: (pageToken: string, signal: AbortSignal) => Promise<Page<T>>,
): Paged<T> {
  const path = untrack(place).path;
  const begin = untrack(moved) === "by-history" ? left.get(path) : undefined;
  const [trail, setTrail] = createSignal<Trail>(begin ?? { filters: "", tokens: [] });
  const tokens = () => (trail().filters === filters() ? trail().tokens : []);
  const go = (tokens: string[]) => {
    const trail = { filters: filters(), tokens };
    left.set(path, trail);
    setTrail(trail);
  };
  const load = createLoad(async (signal) => {
    const token = tokens().at(-1) ?? "";
    try {
      return await ask(token, signal);
    } catch (error) {
      // A token from before the keys of the mesh changed: the list begins anew.
      if (token && badFieldsOf(error).page_token && !signal.aborted) go([]);
      throw error;
    }
  });
  return {
    ...load,
    next() {
      const token = load.data()?.next;
      // A token of a page that is not shown any more would lead astray.
      if (token && !load.loading()) go([...tokens(), token]);
    },
    previous: () => go(tokens().slice(0, -1)),
    number: () => tokens().length + 1,
  };
}

/** Both buttons. `top` is where reading goes on. */
export function Pager<T>(props: { of: Paged<T>; top: () => HTMLElement | undefined }) {
  const turn = (how: () => void) => {
    how();
    const top = props.top();
    top?.focus({ preventScroll: true });
    top?.scrollIntoView({ block: "nearest" });
  };
  return (
    <div class="pager">
      <button
        type="button"
        class="quiet"
        disabled={props.of.number() === 1}
        onClick={() => turn(props.of.previous)}
      >
        Previous page
      </button>
      <span class="muted" role="status">
        Page {props.of.number()}
      </span>
      <button
        type="button"
        class="quiet"
        disabled={props.of.loading() || !props.of.data()?.next}
        onClick={() => turn(props.of.next)}
      >
        Next page
      </button>
    </div>
  );
}

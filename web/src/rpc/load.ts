// Loads data from the mesh for a component: the data, the error, and whether a call is in flight.
import { type Accessor, batch, createEffect, createSignal, onCleanup } from "solid-js";

export interface Load<T> {
  data: Accessor<T | undefined>;
  error: Accessor<unknown>;
  loading: Accessor<boolean>;
  /** Fetches again, and keeps the present data until then. */
  reload(): void;
  setData(value: T): void;
}

/**
 * Fetches at once, and again when a signal changes that `fetch` reads before its first await. Drops
 * the response if a newer fetch has started.
 */
export function createLoad<T>(fetch: (signal: AbortSignal) => Promise<T>): Load<T> {
  const [data, setData] = createSignal<T>();
  const [error, setError] = createSignal<unknown>();
  const [loading, setLoading] = createSignal(true);
  const [reloads, setReloads] = createSignal(0);
  const reload = () => setReloads((count) => count + 1);

  createEffect(() => {
    reloads();
    const abort = new AbortController();
    onCleanup(() => abort.abort());
    setLoading(true);
    const finish = (value: T | undefined, error: unknown) => {
      if (abort.signal.aborted) return;
      batch(() => {
        if (error === undefined) setData(() => value);
        setError(error);
        setLoading(false);
      });
    };
    fetch(abort.signal).then(
      (value) => finish(value, undefined),
      (error) => finish(undefined, error),
    );
  });
  // What failed without a connection is fetched again as soon as there is one.
  const onOnline = () => error() !== undefined && reload();
  addEventListener("online", onOnline);
  onCleanup(() => removeEventListener("online", onOnline));
  return { data, error, loading, reload, setData: (value) => setData(() => value) };
}

export interface ListPage<T> {
  items: T[];
  /** Empty on the last page. */
  nextPageToken: string;
}

export interface List<T> extends Load<ListPage<T>> {
  /** Appends the next page. */
  loadMore(): Promise<void>;
  loadingMore: Accessor<boolean>;
  loadMoreError: Accessor<unknown>;
}

/**
 * A list that grows by a page at a time (keyset pagination). If `initial` returns pages, the list
 * starts with them instead of a first fetch.
 */
export function createList<T>(
  fetch: (pageToken: string, signal?: AbortSignal) => Promise<ListPage<T>>,
  initial?: () => ListPage<T> | undefined,
): List<T> {
  const load = createLoad(async (signal) => initial?.() ?? fetch("", signal));
  const [loadingMore, setLoadingMore] = createSignal(false);
  const [loadMoreError, setLoadMoreError] = createSignal<unknown>();
  const loadMore = async () => {
    const current = load.data();
    if (!current?.nextPageToken || loadingMore()) return;
    setLoadingMore(true);
    setLoadMoreError(undefined);
    try {
      const page = await fetch(current.nextPageToken);
      // Otherwise the list was reloaded in the meantime.
      if (load.data() === current) {
        load.setData({ ...page, items: [...current.items, ...page.items] });
      }
    } catch (error) {
      setLoadMoreError(error);
    } finally {
      setLoadingMore(false);
    }
  };
  return { ...load, loadMore, loadingMore, loadMoreError };
}

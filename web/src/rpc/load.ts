// What a page asks of the mesh: the answer, the error, and whether it is still to come.
import { type Accessor, batch, createEffect, createSignal, onCleanup } from "solid-js";

export interface Load<T> {
  data: Accessor<T | undefined>;
  error: Accessor<unknown>;
  loading: Accessor<boolean>;
  /** Asks again, and keeps showing what there is meanwhile. */
  again(): void;
  put(value: T): void;
}

/**
 * Asks at once, and anew when anything changes that `ask` reads before its first await; an answer
 * that was overtaken is dropped.
 */
export function createLoad<T>(ask: (signal: AbortSignal) => Promise<T>): Load<T> {
  const [data, setData] = createSignal<T>();
  const [error, setError] = createSignal<unknown>();
  const [loading, setLoading] = createSignal(true);
  const [round, setRound] = createSignal(0);
  const again = () => setRound((round) => round + 1);

  createEffect(() => {
    round();
    const abort = new AbortController();
    onCleanup(() => abort.abort());
    setLoading(true);
    const settle = (value: T | undefined, error: unknown) => {
      if (abort.signal.aborted) return;
      batch(() => {
        if (error === undefined) setData(() => value);
        setError(error);
        setLoading(false);
      });
    };
    ask(abort.signal).then(
      (value) => settle(value, undefined),
      (error) => settle(undefined, error),
    );
  });
  // What failed for want of a connection is asked for as soon as there is one.
  const online = () => error() !== undefined && again();
  addEventListener("online", online);
  onCleanup(() => removeEventListener("online", online));
  return { data, error, loading, again, put: (value) => setData(() => value) };
}

export interface Page<T> {
  items: T[];
  next: string;
}

export interface List<T> extends Load<Page<T>> {
  /** Asks for the page after what is shown. */
  more(): Promise<void>;
  loadingMore: Accessor<boolean>;
  moreError: Accessor<unknown>;
}

/**
 * A list that is read a page at a time by keyset. What `begin` gives, if anything, is shown instead of
 * a first question.
 */
export function createList<T>(
  ask: (token: string, signal?: AbortSignal) => Promise<Page<T>>,
  begin?: () => Promise<Page<T> | undefined> | undefined,
): List<T> {
  const load = createLoad((signal) => {
    const begun = begin?.();
    return begun ? begun.then((page) => page ?? ask("", signal)) : ask("", signal);
  });
  const [loadingMore, setLoadingMore] = createSignal(false);
  const [moreError, setMoreError] = createSignal<unknown>();
  const more = async () => {
    const shown = load.data();
    if (!shown?.next || loadingMore()) return;
    setLoadingMore(true);
    setMoreError(undefined);
    try {
      const page = await ask(shown.next);
      // Unless the list has become another one meanwhile.
      if (load.data() === shown) {
        load.put({ items: [...shown.items, ...page.items], next: page.next });
      }
    } catch (error) {
      setMoreError(error);
    } finally {
      setLoadingMore(false);
    }
  };
  return { ...load, more, loadingMore, moreError };
}

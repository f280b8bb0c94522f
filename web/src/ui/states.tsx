// What a page shows while it has nothing else: loading, empty, error.
import { createEffect, createSignal, type JSX, Match, Show, Switch } from "solid-js";
import type { Load } from "../rpc/load";

/** Something went wrong, said at once by a screen reader. */
export function Alert(props: { children: JSX.Element }) {
  return (
    <div class="alert" role="alert">
      {props.children}
    </div>
  );
}

export function Empty(props: { title: string; children?: JSX.Element }) {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children}
    </div>
  );
}

export function Trouble(props: { error: unknown; again: () => void }) {
  const [words, setWords] = createSignal("");
  createEffect(() => {
    const error = props.error;
    import("../rpc/errors").then(
      ({ wordsFor }) => setWords(wordsFor(error)),
      () => setWords("The shop cannot be reached just now. Try again in a moment."),
    );
  });
  return (
    <Alert>
      <p>{words()}</p>
      <button type="button" class="quiet" onClick={() => props.again()}>
        Try again
      </button>
    </Alert>
  );
}

/** The answer once it is there; meanwhile `skeleton`. An error stands above an older answer. */
export function Loaded<T>(props: {
  of: Load<T>;
  skeleton?: JSX.Element;
  /** The page says itself what is wrong. */
  ownWords?: boolean;
  children: (data: () => NonNullable<T>) => JSX.Element;
}) {
  return (
    <>
      <Show when={!props.of.loading() && props.of.error() !== undefined && !props.ownWords}>
        <Trouble error={props.of.error()} again={props.of.again} />
      </Show>
      <Switch>
        <Match when={props.of.data()}>{(data) => props.children(data)}</Match>
        <Match when={props.of.loading()}>
          {props.skeleton ?? <p class="muted loading">Loading…</p>}
        </Match>
      </Switch>
    </>
  );
}

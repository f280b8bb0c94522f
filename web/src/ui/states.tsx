// The states of a page without data: loading, empty, error.
import { type JSX, Match, Show, Switch } from "solid-js";
import { errorMessage } from "../rpc/errors";
import type { Load } from "../rpc/load";
import { ButtonLink, type Link } from "./link";

/** An error message that a screen reader announces at once. */
export function Alert(props: { children: JSX.Element }) {
  return (
    <div class="alert" role="alert">
      {props.children}
    </div>
  );
}

/** A list without items. */
export function Empty(props: {
  title: string;
  text?: string;
  link?: Link;
  children?: JSX.Element;
}) {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      <Show when={props.text}>
        <p>{props.text}</p>
      </Show>
      <Show when={props.link}>{(link) => <ButtonLink {...link()} />}</Show>
      {props.children}
    </div>
  );
}

export function LoadError(props: { error: unknown; retry: () => void }) {
  return (
    <Alert>
      <p>{errorMessage(props.error)}</p>
      <button type="button" class="quiet" onClick={() => props.retry()}>
        Try again
      </button>
    </Alert>
  );
}

/** Shows the data, or `skeleton` until there is some. An error is shown above older data. */
export function Loaded<T>(props: {
  load: Load<T>;
  skeleton?: JSX.Element;
  /** The page shows the error itself. */
  ownError?: boolean;
  children: (data: () => NonNullable<T>) => JSX.Element;
}) {
  return (
    <>
      <Show when={!props.load.loading() && props.load.error() !== undefined && !props.ownError}>
        <LoadError error={props.load.error()} retry={props.load.reload} />
      </Show>
      <Switch>
        <Match when={props.load.data()}>{(data) => props.children(data)}</Match>
        <Match when={props.load.loading()}>
          {props.skeleton ?? <p class="muted loading">Loading…</p>}
        </Match>
      </Switch>
    </>
  );
}

// A button's call: one at a time, and what went wrong with the last one.
import { createSignal, Show } from "solid-js";
import { wordsFor } from "../rpc/errors";
import { Alert } from "./states";

export interface Action<A extends unknown[]> {
  run(...args: A): Promise<void>;
  busy(): boolean;
  error(): unknown;
}

export function createAction<A extends unknown[]>(
  act: (...args: A) => Promise<unknown>,
): Action<A> {
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal<unknown>();
  const run = async (...args: A) => {
    if (busy()) return;
    setBusy(true);
    setError(undefined);
    try {
      await act(...args);
    } catch (error) {
      setError(error);
    } finally {
      setBusy(false);
    }
  };
  return { run, busy, error };
}

export function ActionError(props: { of: { error(): unknown } }) {
  return (
    <Show when={props.of.error()}>
      {(error) => (
        <Alert>
          <p>{wordsFor(error())}</p>
        </Alert>
      )}
    </Show>
  );
}

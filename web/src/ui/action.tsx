// An action of a button: one call at a time, and the error of the last one.
import { createSignal, Show } from "solid-js";
import { errorMessage } from "../rpc/errors";
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

export function ActionError(props: { action: { error(): unknown } }) {
  return (
    <Show when={props.action.error()}>
      {(error) => (
        <Alert>
          <p>{errorMessage(error())}</p>
        </Alert>
      )}
    </Show>
  );
}

// Pages of an account: who is not logged in goes to /login and comes back after it.
import { createEffect, type JSX, Show } from "solid-js";
import { navigate, place } from "../router";
import { ownerId } from "./session";

export function LoggedIn(props: { children: (ownerId: string) => JSX.Element }) {
  createEffect(() => {
    if (ownerId() === null) navigate("/login", { replace: true, from: place().path });
  });
  return (
    <Show when={ownerId()} keyed>
      {(owner) => props.children(owner)}
    </Show>
  );
}

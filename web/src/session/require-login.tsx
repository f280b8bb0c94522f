// Shows a page only to a person who is logged in; others log in first and return to it.
import { createEffect, type JSX, Show } from "solid-js";
import { navigate, route } from "../router";
import { userId } from "./state";

export function RequireLogin(props: { children: (userId: string) => JSX.Element }) {
  createEffect(() => {
    if (userId() === null) navigate("/login", { replace: true, returnTo: route().path });
  });
  return (
    <Show when={userId()} keyed>
      {(id) => props.children(id)}
    </Show>
  );
}

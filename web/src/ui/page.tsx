// The frame of a page: its title, its one main and one h1, and where the focus goes when it opens.
import { createEffect, type JSX, onMount, Show } from "solid-js";
import { moved } from "../router";

export function Page(props: {
  title: string;
  /** Stands above the heading. */
  lead?: JSX.Element;
  class?: string;
  /** The page has a heading of its own. */
  ownHeading?: boolean;
  children: JSX.Element;
}) {
  let main!: HTMLElement;
  createEffect(() => {
    document.title = props.title === "Shopmesh" ? props.title : `${props.title} · Shopmesh`;
  });
  // A screen reader learns of the new page as it would of one that was loaded.
  onMount(() => moved() !== "not" && main.focus({ preventScroll: true }));
  return (
    <main ref={main} tabindex="-1" class={props.class} aria-label={props.title}>
      {props.lead}
      <Show when={!props.ownHeading}>
        <h1>{props.title}</h1>
      </Show>
      {props.children}
    </main>
  );
}

// The frame of a page: its title, its one main and one h1, and the focus when it opens.
import { createEffect, type JSX, onMount, Show } from "solid-js";
import { navigation } from "../router";
import { ButtonLink, type Link } from "./link";

export function Page(props: {
  title: string;
  /** Is shown above the heading. */
  lead?: JSX.Element;
  class?: string;
  /** The children have the h1. */
  ownHeading?: boolean;
  children: JSX.Element;
}) {
  let main!: HTMLElement;
  createEffect(() => {
    document.title = props.title === "Shopmesh" ? props.title : `${props.title} · Shopmesh`;
  });
  // A screen reader announces the new page as if the browser had loaded it.
  onMount(() => navigation() !== "initial" && main.focus({ preventScroll: true }));
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

/** The page for an address with nothing behind it. */
export function NotFoundPage(props: {
  title: string;
  text: string;
  /** Is shown above the heading. */
  lead?: JSX.Element;
  link?: Link;
  class?: string;
}) {
  return (
    <Page title={props.title} class={props.class ?? ""} lead={props.lead}>
      <p>{props.text}</p>
      <Show when={props.link}>
        {(link) => (
          <p>
            <ButtonLink {...link()} />
          </p>
        )}
      </Show>
    </Page>
  );
}

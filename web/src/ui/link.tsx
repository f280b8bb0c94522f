// Links to other pages.

export interface Link {
  to: string;
  text: string;
}

export const ALL_PRODUCTS: Link = { to: "/", text: "See all products" };

/** A link that looks like a button. */
export function ButtonLink(props: Link) {
  return (
    <a href={props.to} class="button">
      {props.text}
    </a>
  );
}

/** The link to the page above this one. */
export function BackLink(props: Link) {
  return (
    <p class="back">
      <a href={props.to}>{props.text}</a>
    </p>
  );
}

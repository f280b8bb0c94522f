// The picture of a product. It has no text of its own, because the product's name is beside it.
import { createSignal, Show } from "solid-js";

export function Picture(props: { url: string; eager?: boolean; class?: string }) {
  const [missing, setMissing] = createSignal(false);
  return (
    <span class={`picture ${props.class ?? ""}`}>
      <Show when={props.url && !missing()}>
        <img
          src={props.url}
          alt=""
          width="400"
          height="300"
          loading={props.eager ? "eager" : "lazy"}
          fetchpriority={props.eager ? "high" : "auto"}
          decoding="async"
          onError={() => setMissing(true)}
        />
      </Show>
    </span>
  );
}

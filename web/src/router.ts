// Paths to pages. Links are plain anchors: a click on one of the own origin changes the page without
// loading it, everything else stays with the browser.
import { batch, createSignal } from "solid-js";

export interface Place {
  path: string;
  search: string;
  /** What only the browser knows: the token of a mailed link. */
  hash: string;
  /** Where log-in goes back to. */
  from?: string | undefined;
}

interface Kept {
  from?: string;
  scroll?: number;
}

const read = (): Place => ({
  path: location.pathname,
  search: location.search,
  hash: location.hash,
  from: (history.state as Kept | null)?.from,
});

const [place, setPlace] = createSignal<Place>(read());
const [moved, setMoved] = createSignal<"not" | "by-link" | "by-history">("not");

export { moved, place };

export function navigate(to: string, options: { replace?: boolean; from?: string } = {}): void {
  const state: Kept = options.from === undefined ? {} : { from: options.from };
  if (options.replace) {
    history.replaceState(state, "", to);
  } else {
    history.replaceState({ ...(history.state as Kept | null), scroll: scrollY }, "");
    history.pushState(state, "", to);
  }
  show("by-link");
  scrollTo(0, 0);
}

/** Changes the query of the page that is shown; no step of history. */
export function setSearch(search: string): void {
  history.replaceState(history.state, "", `${location.pathname}${search}`);
  setPlace(read());
}

/** The token that the link of a mail carries where no server sees it; empty where there is none. */
export function mailedToken(): string {
  return new URLSearchParams(place().hash.slice(1)).get("token") ?? "";
}

/** Takes a token that is used up out of the address. */
export function dropToken(): void {
  history.replaceState(history.state, "", location.pathname);
  setPlace(read());
}

function show(how: "by-link" | "by-history"): void {
  batch(() => {
    setMoved(how);
    setPlace(read());
  });
}

/** The rest of `path` after `prefix`, where it is one segment. */
export function segment(path: string, prefix: string): string | undefined {
  if (!path.startsWith(prefix)) return undefined;
  const rest = path.slice(prefix.length).replace(/\/$/, "");
  if (rest === "" || rest.includes("/")) return undefined;
  try {
    return decodeURIComponent(rest);
  } catch {
    return undefined;
  }
}

export function underAdmin(): boolean {
  return /^\/admin(\/|$)/.test(place().path);
}

export function startRouter(): void {
  addEventListener("popstate", () => {
    show("by-history");
    const top = (history.state as Kept | null)?.scroll ?? 0;
    requestAnimationFrame(() => scrollTo(0, top));
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.origin !== location.origin || link.target || link.hash) return;
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const entrance = ["/login", "/signup"].includes(link.pathname);
    const here = place();
    const atEntrance = ["/login", "/signup"].includes(here.path);
    // Who logs in from a page comes back to it.
    const from = atEntrance ? here.from : `${here.path}${here.search}`;
    navigate(`${link.pathname}${link.search}`, entrance && from ? { from } : {});
  });
}

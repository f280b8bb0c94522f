// Which page is open. Links are plain anchors: a click on one of our own origin changes the page
// without loading it; the browser handles all others.
import { batch, createSignal } from "solid-js";

export interface Route {
  path: string;
  search: string;
  /** No server sees it, so it carries the token of a mailed link. */
  hash: string;
  /** The page to open after login. */
  returnTo?: string | undefined;
}

/** How the current page was opened: with the document, by a link, or by the history (back, forward). */
export type Navigation = "initial" | "link" | "history";

interface HistoryState {
  returnTo?: string;
  scroll?: number;
}

const LOGIN_PATHS = ["/login", "/signup"];

const readRoute = (): Route => ({
  path: location.pathname,
  search: location.search,
  hash: location.hash,
  returnTo: (history.state as HistoryState | null)?.returnTo,
});

const [route, setRoute] = createSignal<Route>(readRoute());
const [navigation, setNavigation] = createSignal<Navigation>("initial");

export { navigation, route };

export function navigate(to: string, options: { replace?: boolean; returnTo?: string } = {}): void {
  const state: HistoryState = options.returnTo === undefined ? {} : { returnTo: options.returnTo };
  if (options.replace) {
    history.replaceState(state, "", to);
  } else {
    history.replaceState({ ...(history.state as HistoryState | null), scroll: scrollY }, "");
    history.pushState(state, "", to);
  }
  openPage("link");
  scrollTo(0, 0);
}

/** Changes the query of the current page, without a step of history. */
export function setSearch(search: string): void {
  history.replaceState(history.state, "", `${location.pathname}${search}`);
  setRoute(readRoute());
}

/** Returns the token of a mailed link; empty if there is none. */
export function linkToken(): string {
  return new URLSearchParams(route().hash.slice(1)).get("token") ?? "";
}

/** Removes a used token from the address. */
export function removeLinkToken(): void {
  history.replaceState(history.state, "", location.pathname);
  setRoute(readRoute());
}

function openPage(how: Navigation): void {
  batch(() => {
    setNavigation(how);
    setRoute(readRoute());
  });
}

/** Returns what follows `prefix` in `path`, if it is one segment. */
export function segmentAfter(prefix: string, path: string): string | undefined {
  if (!path.startsWith(prefix)) return undefined;
  const rest = path.slice(prefix.length).replace(/\/$/, "");
  if (rest === "" || rest.includes("/")) return undefined;
  try {
    return decodeURIComponent(rest);
  } catch {
    return undefined;
  }
}

export function isAdminPath(): boolean {
  return /^\/admin(\/|$)/.test(route().path);
}

export function startRouter(): void {
  addEventListener("popstate", () => {
    openPage("history");
    const top = (history.state as HistoryState | null)?.scroll ?? 0;
    requestAnimationFrame(() => scrollTo(0, top));
  });
  document.addEventListener("click", followLink);
}

function followLink(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.origin !== location.origin || link.target || link.hash) return;
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const current = route();
  // A person who logs in returns to the page that they came from.
  const returnTo = LOGIN_PATHS.includes(current.path)
    ? current.returnTo
    : `${current.path}${current.search}`;
  const toLogin = LOGIN_PATHS.includes(link.pathname);
  navigate(`${link.pathname}${link.search}`, toLogin && returnTo ? { returnTo } : {});
}

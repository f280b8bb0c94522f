// Which page stands under which path.
import {
  createEffect,
  ErrorBoundary,
  type JSX,
  lazy,
  Match,
  on,
  Show,
  Suspense,
  Switch,
} from "solid-js";
import { Header } from "./header";
import { Home } from "./pages/home";
import { NotFound } from "./pages/not-found";
import { Product } from "./pages/product";
import { place, segment, underAdmin } from "./router";
import { LoggedIn } from "./session/require-login";
import { Page } from "./ui/page";
import { Alert } from "./ui/states";
import { createOnline } from "./util/online";

/** Pages that come when they are opened, or once the first one stands: they weigh little. */
const waiting: (() => Promise<unknown>)[] = [];

const page: typeof lazy = (load) => {
  waiting.push(load);
  return lazy(load);
};

/** Fetches the pages that may be opened next, so that a click need not wait: one by one, never in its way. */
export async function fetchPages(): Promise<void> {
  for (const load of waiting) await load().catch(() => {});
}

const Cart = page(() => import("./pages/cart"));
const Checkout = page(() => import("./pages/checkout"));
const Orders = page(() => import("./pages/orders"));
const Order = page(() => import("./pages/order"));
const SignUp = page(() => import("./pages/signup"));
const LogIn = page(() => import("./pages/login"));
const Account = page(() => import("./pages/account"));
const ResetPassword = page(() => import("./pages/reset-password"));
const VerifyEmail = page(() => import("./pages/verify-email"));
/** Few ever open it, so it waits until somebody does. */
const Admin = lazy(() => import("./admin"));

export function App() {
  return (
    <>
      <Header />
      <ErrorBoundary fallback={(_, reset) => <Broken again={reset} />}>
        <Suspense fallback={<Opening />}>
          <Pages />
        </Suspense>
      </ErrorBoundary>
      <Show when={!underAdmin()}>
        <footer class="wide">
          <p>Shopmesh · prices include everything you pay</p>
        </footer>
      </Show>
    </>
  );
}

function Pages() {
  const at = (path: string) => place().path === path;
  const after = (prefix: string) => segment(place().path, prefix);
  return (
    <Switch fallback={<NotFound />}>
      <Match when={at("/")}>
        <Home />
      </Match>
      <Match when={after("/products/")} keyed>
        {(slug) => <Product slug={slug} />}
      </Match>
      <Match when={at("/cart")}>
        <Cart />
      </Match>
      <Match when={at("/checkout")}>
        <LoggedIn>{(owner) => <Checkout owner={owner} />}</LoggedIn>
      </Match>
      <Match when={at("/orders")}>
        <LoggedIn>{() => <Orders />}</LoggedIn>
      </Match>
      <Match when={after("/orders/")} keyed>
        {(orderId) => <LoggedIn>{() => <Order orderId={orderId} />}</LoggedIn>}
      </Match>
      <Match when={at("/signup")}>
        <SignUp />
      </Match>
      <Match when={at("/login")}>
        <LogIn />
      </Match>
      <Match when={underAdmin()}>
        <LoggedIn>{() => <Admin />}</LoggedIn>
      </Match>
      <Match when={at("/account")}>
        <LoggedIn>{() => <Account />}</LoggedIn>
      </Match>
      <Match when={at("/reset-password")}>
        <ResetPassword />
      </Match>
      <Match when={at("/verify-email")}>
        <VerifyEmail />
      </Match>
    </Switch>
  );
}

function Opening(): JSX.Element {
  return <main class="narrow" aria-busy="true" />;
}

function Broken(props: { again: () => void }) {
  const online = createOnline();
  // Another page may well be whole, and this one comes with the connection.
  createEffect(on(place, props.again, { defer: true }));
  createEffect(on(online, () => location.reload(), { defer: true }));
  return (
    <Page title={online() ? "Something broke" : "You are offline"} class="narrow">
      <Alert>
        <p>
          {online()
            ? "This page could not be shown. Your cart and your orders are safe."
            : "This page was not here before. It comes as soon as there is a connection."}
        </p>
        <Show when={online()}>
          <button type="button" class="quiet" onClick={() => location.reload()}>
            Load it again
          </button>
        </Show>
      </Alert>
    </Page>
  );
}

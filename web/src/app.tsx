// The routes: which page each path opens.
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
import { isAdminPath, route, segmentAfter } from "./router";
import { RequireLogin } from "./session/require-login";
import { Page } from "./ui/page";
import { Alert } from "./ui/states";
import { createOnline } from "./util/online";

/** The pages that are not part of the first load. */
const prefetched: (() => Promise<unknown>)[] = [];

const page: typeof lazy = (load) => {
  prefetched.push(load);
  return lazy(load);
};

/** Fetches the pages that may be opened next, one after the other, so that a click need not wait. */
export async function prefetchPages(): Promise<void> {
  for (const load of prefetched) await load().catch(() => {});
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
/** Few people open it, so it is not prefetched. */
const Admin = lazy(() => import("./admin"));

export function App() {
  return (
    <>
      <Header />
      <ErrorBoundary fallback={(_, reset) => <Crashed reset={reset} />}>
        <Suspense fallback={<PageLoading />}>
          <Pages />
        </Suspense>
      </ErrorBoundary>
      <Show when={!isAdminPath()}>
        <footer class="wide">
          <p>Shopmesh · prices include everything you pay</p>
        </footer>
      </Show>
    </>
  );
}

function Pages() {
  const at = (path: string) => route().path === path;
  const after = (prefix: string) => segmentAfter(prefix, route().path);
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
        <RequireLogin>{(userId) => <Checkout userId={userId} />}</RequireLogin>
      </Match>
      <Match when={at("/orders")}>
        <RequireLogin>{() => <Orders />}</RequireLogin>
      </Match>
      <Match when={after("/orders/")} keyed>
        {(orderId) => <RequireLogin>{() => <Order orderId={orderId} />}</RequireLogin>}
      </Match>
      <Match when={at("/signup")}>
        <SignUp />
      </Match>
      <Match when={at("/login")}>
        <LogIn />
      </Match>
      <Match when={isAdminPath()}>
        <RequireLogin>{() => <Admin />}</RequireLogin>
      </Match>
      <Match when={at("/account")}>
        <RequireLogin>{() => <Account />}</RequireLogin>
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

function PageLoading(): JSX.Element {
  return <main class="narrow" aria-busy="true" />;
}

function Crashed(props: { reset: () => void }) {
  const online = createOnline();
  // Other pages may work, and this one may load once there is a connection.
  createEffect(on(route, props.reset, { defer: true }));
  createEffect(on(online, () => location.reload(), { defer: true }));
  return (
    <Page title={online() ? "Something went wrong" : "You are offline"} class="narrow">
      <Alert>
        <p>
          {online()
            ? "This page could not be shown. Your cart and your orders are safe."
            : "This page is not loaded yet. It opens as soon as there is a connection."}
        </p>
        <Show when={online()}>
          <button type="button" class="quiet" onClick={() => location.reload()}>
            Reload the page
          </button>
        </Show>
      </Alert>
    </Page>
  );
}

// Which page stands under which path.
import { ErrorBoundary, type JSX, lazy, Match, Suspense, Switch } from "solid-js";
import { Home } from "./pages/home";
import { NotFound } from "./pages/not-found";
import { Product } from "./pages/product";
import { place, segment } from "./router";
import { LoggedIn } from "./ui/guard";
import { Header } from "./ui/header";
import { Page } from "./ui/page";
import { Alert } from "./ui/states";

const Cart = lazy(() => import("./pages/cart"));
const Checkout = lazy(() => import("./pages/checkout"));
const Orders = lazy(() => import("./pages/orders"));
const Order = lazy(() => import("./pages/order"));
const SignUp = lazy(() => import("./pages/signup"));
const LogIn = lazy(() => import("./pages/login"));
const Account = lazy(() => import("./pages/account"));

export function App() {
  return (
    <>
      <Header />
      <ErrorBoundary fallback={() => <Broken />}>
        <Suspense fallback={<Opening />}>
          <Pages />
        </Suspense>
      </ErrorBoundary>
      <footer class="wide">
        <p>Shopmesh · prices include everything you pay</p>
      </footer>
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
      <Match when={at("/account")}>
        <LoggedIn>{() => <Account />}</LoggedIn>
      </Match>
    </Switch>
  );
}

function Opening(): JSX.Element {
  return <main class="narrow" aria-busy="true" />;
}

function Broken() {
  return (
    <Page title="Something broke" class="narrow">
      <Alert>
        <p>This page could not be shown. Your cart and your orders are safe.</p>
        <button type="button" class="quiet" onClick={() => location.reload()}>
          Load it again
        </button>
      </Alert>
    </Page>
  );
}

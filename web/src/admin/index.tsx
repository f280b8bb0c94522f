// The pages of the shop's own people: who may see them, what stands beside them, and which page
// stands under which path.
import { type JSX, lazy, Match, Show, Switch } from "solid-js";
import { Role } from "../gen/shopmesh/user/v1/user_service_pb";
import { place, segment } from "../router";
import { createLoad } from "../rpc/load";
import { users } from "../rpc/users";
import { user } from "../session/session";
import { Page } from "../ui/page";
import { Trouble } from "../ui/states";
import { Inventory } from "./pages/inventory";
import { Order } from "./pages/order";
import { Orders } from "./pages/orders";
import { Stock } from "./pages/stock";
import "./admin.css";

const Overview = lazy(() => import("./pages/overview"));
const Analytics = lazy(() => import("./pages/analytics"));
const Notifications = lazy(() => import("./pages/notifications"));
const Customers = lazy(() => import("./pages/customers"));
const Import = lazy(() => import("./pages/import"));
const EditProduct = lazy(() => import("./pages/product"));

const SECTIONS = [
  { path: "/admin", name: "Overview" },
  { path: "/admin/inventory", name: "Inventory" },
  { path: "/admin/orders", name: "Orders" },
  { path: "/admin/analytics", name: "Analytics" },
  { path: "/admin/notifications", name: "Notifications" },
  { path: "/admin/customers", name: "Customers" },
];

export default function Admin() {
  // Asked for only where the session has not told it, which it does whenever it is renewed.
  const who = createLoad(
    async (signal) => user() ?? (await users.getCurrentUser({}, { signal })).user,
  );
  return (
    <Switch fallback={<main class="narrow" aria-busy="true" />}>
      <Match when={who.data()}>
        {(who) => (
          <Show when={who().role === Role.ADMIN} fallback={<NotAllowed />}>
            <Frame>
              <Pages />
            </Frame>
          </Show>
        )}
      </Match>
      <Match when={who.error()}>
        <Page title="Admin" class="narrow">
          <Trouble error={who.error()} again={who.again} />
        </Page>
      </Match>
    </Switch>
  );
}

function NotAllowed() {
  return (
    <Page title="Not allowed" class="narrow">
      <p>These pages are for the people who run the shop. Your account is a customer's.</p>
      <p>
        <a href="/" class="button">
          See all products
        </a>
      </p>
    </Page>
  );
}

function Frame(props: { children: JSX.Element }) {
  const current = (path: string) => {
    const here = place().path.replace("/admin/products", "/admin/inventory");
    if (here === path) return "page";
    return path !== "/admin" && here.startsWith(`${path}/`) ? "true" : undefined;
  };
  return (
    <div class="admin wide">
      <nav aria-label="Admin">
        {SECTIONS.map(({ path, name }) => (
          <a href={path} aria-current={current(path)}>
            {name}
          </a>
        ))}
      </nav>
      {props.children}
    </div>
  );
}

function Pages() {
  const at = (path: string) => place().path.replace(/\/$/, "") === path;
  const after = (prefix: string) => segment(place().path, prefix);
  return (
    <Switch
      fallback={
        <Page title="Page not found">
          <p>There is nothing at this address.</p>
        </Page>
      }
    >
      <Match when={at("/admin")}>
        <Overview />
      </Match>
      <Match when={at("/admin/inventory")}>
        <Inventory />
      </Match>
      <Match when={after("/admin/inventory/")} keyed>
        {(productId) => <Stock productId={productId} />}
      </Match>
      <Match when={at("/admin/products/new")}>
        <EditProduct />
      </Match>
      <Match when={at("/admin/products/import")}>
        <Import />
      </Match>
      <Match when={after("/admin/products/")} keyed>
        {(productId) => <EditProduct productId={productId} />}
      </Match>
      <Match when={at("/admin/orders")}>
        <Orders />
      </Match>
      <Match when={after("/admin/orders/")} keyed>
        {(orderId) => <Order orderId={orderId} />}
      </Match>
      <Match when={at("/admin/analytics")}>
        <Analytics />
      </Match>
      <Match when={at("/admin/notifications")}>
        <Notifications />
      </Match>
      <Match when={at("/admin/customers")}>
        <Customers />
      </Match>
    </Switch>
  );
}

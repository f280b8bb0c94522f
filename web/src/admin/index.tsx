// The admin pages: who may see them, their navigation, and which page each path opens.
import { type JSX, lazy, Match, Show, Switch } from "solid-js";
import { Role } from "../gen/shopmesh/user/v1/user_service_pb";
import { route, segmentAfter } from "../router";
import { createLoad } from "../rpc/load";
import { users } from "../rpc/users";
import { user } from "../session/state";
import { ALL_PRODUCTS, ButtonLink } from "../ui/link";
import { NotFoundPage, Page } from "../ui/page";
import { LoadError } from "../ui/states";
import { Inventory } from "./pages/inventory";
import { Order } from "./pages/order";
import { Orders } from "./pages/orders";
import { Stock } from "./pages/stock";
import "./admin.css";

const Overview = lazy(() => import("./pages/overview"));
const Analytics = lazy(() => import("./pages/analytics"));
const Notifications = lazy(() => import("./pages/notifications"));
const Customers = lazy(() => import("./pages/customers"));
const Audit = lazy(() => import("./pages/audit"));
const Import = lazy(() => import("./pages/import"));
const EditProduct = lazy(() => import("./pages/product"));

const SECTIONS = [
  { path: "/admin", name: "Overview" },
  { path: "/admin/inventory", name: "Inventory" },
  { path: "/admin/orders", name: "Orders" },
  { path: "/admin/analytics", name: "Analytics" },
  { path: "/admin/notifications", name: "Notifications" },
  { path: "/admin/customers", name: "Customers" },
  { path: "/admin/audit", name: "Audit" },
];

export default function Admin() {
  // A renewal of the session returns the account, so this call is rarely needed.
  const account = createLoad(
    async (signal) => user() ?? (await users.getCurrentUser({}, { signal })).user,
  );
  return (
    <Switch fallback={<main class="narrow" aria-busy="true" />}>
      <Match when={account.data()}>
        {(account) => (
          <Show when={account().role === Role.ADMIN} fallback={<NotAllowed />}>
            <Frame>
              <Pages />
            </Frame>
          </Show>
        )}
      </Match>
      <Match when={account.error()}>
        <Page title="Admin" class="narrow">
          <LoadError error={account.error()} retry={account.reload} />
        </Page>
      </Match>
    </Switch>
  );
}

function NotAllowed() {
  return (
    <Page title="Not allowed" class="narrow">
      <p>Only admins can open these pages. Yours is the account of a customer.</p>
      <p>
        <ButtonLink {...ALL_PRODUCTS} />
      </p>
    </Page>
  );
}

function Frame(props: { children: JSX.Element }) {
  const ariaCurrent = (path: string) => {
    const open = route().path.replace("/admin/products", "/admin/inventory");
    if (open === path) return "page";
    return path !== "/admin" && open.startsWith(`${path}/`) ? "true" : undefined;
  };
  return (
    <div class="admin wide">
      <nav aria-label="Admin">
        {SECTIONS.map(({ path, name }) => (
          <a href={path} aria-current={ariaCurrent(path)}>
            {name}
          </a>
        ))}
      </nav>
      {props.children}
    </div>
  );
}

function Pages() {
  const at = (path: string) => route().path.replace(/\/$/, "") === path;
  const after = (prefix: string) => segmentAfter(prefix, route().path);
  return (
    <Switch
      fallback={<NotFoundPage title="Page not found" text="There is no page at this address." />}
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
      <Match when={at("/admin/audit")}>
        <Audit />
      </Match>
    </Switch>
  );
}

// The header of every page, and below it what the person should know at once.
import { Show } from "solid-js";
import type { Role } from "./gen/shopmesh/user/v1/user_service_pb";
import { isAdminPath, route } from "./router";
import { user, userId } from "./session/state";
import { lineItems, quantityOf } from "./shop/cart";
import { isCheckoutOutcomeUnknown } from "./shop/checkout-state";
import { createOnline } from "./util/online";
import { NEEDS_HTTPS } from "./util/secure-context";

/** By its number: the enum itself would add the contract of user-svc to the first load. */
const ADMIN: Role.ADMIN = 2;

const ariaCurrent = (path: string) => (route().path === path ? "page" : undefined);

export function Header() {
  return (
    <>
      <header class="top">
        <div class="wide">
          <a href="/" class="brand" aria-current={ariaCurrent("/")}>
            <svg viewBox="0 0 32 32" aria-hidden="true">
              <path d="M8 12h16l-1.6 12.2H9.6zM12 12a4 4 0 0 1 8 0" />
            </svg>
            Shopmesh
          </a>
          <nav aria-label="Shop">
            <Show when={userId()} fallback={<LoginLinks />}>
              <AccountLinks />
            </Show>
            <Show when={!isAdminPath()}>
              <CartLink />
            </Show>
          </nav>
        </div>
      </header>
      <Notices />
    </>
  );
}

function LoginLinks() {
  return (
    <>
      <a href="/login" aria-current={ariaCurrent("/login")}>
        Log in
      </a>
      <a href="/signup" aria-current={ariaCurrent("/signup")}>
        Sign up
      </a>
    </>
  );
}

function AccountLinks() {
  return (
    <>
      <Show when={!isAdminPath()} fallback={<a href="/">Shop</a>}>
        <Show when={user()?.role === ADMIN}>
          <a href="/admin">Admin</a>
        </Show>
        <a href="/orders" aria-current={ariaCurrent("/orders")}>
          Orders
        </a>
      </Show>
      <a href="/account" aria-current={ariaCurrent("/account")} class="account-link">
        <span>{user()?.displayName ?? "Account"}</span>
      </a>
    </>
  );
}

function CartLink() {
  const quantity = () => quantityOf(lineItems());
  return (
    <a href="/cart" class="cart-link" aria-current={ariaCurrent("/cart")}>
      Cart
      <Show when={quantity() > 0}>
        <span class="count">
          {quantity()}
          <span class="visually-hidden">{quantity() === 1 ? " item" : " items"}</span>
        </span>
      </Show>
    </a>
  );
}

function Notices() {
  const online = createOnline();
  return (
    <div aria-live="polite">
      <Show when={!isSecureContext}>
        <p class="strip">{NEEDS_HTTPS}</p>
      </Show>
      <Show when={!online()}>
        <p class="strip">
          You are offline. This page may be out of date
          {isAdminPath() ? "." : "; your cart is saved on this device."}
        </p>
      </Show>
      <Show when={isCheckoutOutcomeUnknown(userId()) && route().path !== "/checkout"}>
        <p class="strip">
          We do not know yet whether your order was placed. <a href="/checkout">Check the order</a>
        </p>
      </Show>
    </div>
  );
}

// What stands above every page.
import { Show } from "solid-js";
import type { Role } from "./gen/shopmesh/user/v1/user_service_pb";
import { place, underAdmin } from "./router";
import { ownerId, user } from "./session/session";
import { countOf, lines } from "./shop/cart";
import { isOpen } from "./shop/checkout-state";
import { createOnline } from "./util/online";

/** By its number: the header is drawn before the messages of the mesh have come. */
const ADMIN: Role.ADMIN = 2;

export function Header() {
  const online = createOnline();
  const here = (path: string) => (place().path === path ? "page" : undefined);
  return (
    <>
      <header class="top">
        <div class="wide">
          <a href="/" class="brand" aria-current={here("/")}>
            <svg viewBox="0 0 32 32" aria-hidden="true">
              <path d="M8 12h16l-1.6 12.2H9.6zM12 12a4 4 0 0 1 8 0" />
            </svg>
            Shopmesh
          </a>
          <nav aria-label="Shop">
            <Show
              when={ownerId()}
              fallback={
                <>
                  <a href="/login" aria-current={here("/login")}>
                    Log in
                  </a>
                  <a href="/signup" aria-current={here("/signup")}>
                    Sign up
                  </a>
                </>
              }
            >
              <Show
                when={underAdmin()}
                fallback={
                  <>
                    <Show when={user()?.role === ADMIN}>
                      <a href="/admin">Admin</a>
                    </Show>
                    <a href="/orders" aria-current={here("/orders")}>
                      Orders
                    </a>
                  </>
                }
              >
                <a href="/">Shop</a>
              </Show>
              <a href="/account" aria-current={here("/account")} class="account-link">
                <span>{user()?.displayName ?? "Account"}</span>
              </a>
            </Show>
            <Show when={!underAdmin()}>
              <a href="/cart" class="cart-link" aria-current={here("/cart")}>
                Cart
                <Show when={lines().length > 0}>
                  <span class="count">
                    {countOf(lines())}
                    <span class="visually-hidden">
                      {countOf(lines()) === 1 ? " item" : " items"}
                    </span>
                  </span>
                </Show>
              </a>
            </Show>
          </nav>
        </div>
      </header>
      <div aria-live="polite">
        <Show when={!online()}>
          <p class="strip">
            You are offline. What you see may be old
            {underAdmin() ? "." : "; your cart is kept on this device."}
          </p>
        </Show>
        <Show when={isOpen(ownerId()) && place().path !== "/checkout"}>
          <p class="strip">
            We do not know yet what became of your order.{" "}
            <a href="/checkout">See what became of it</a>
          </p>
        </Show>
      </div>
    </>
  );
}

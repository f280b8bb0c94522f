import { expect, test } from "@playwright/test";
import {
  addProduct,
  addToCart,
  archive,
  fillAddress,
  logIn,
  mailedLink,
  newCustomer,
  placeOrder,
  setStock,
  submitLogin,
  unique,
} from "./store";

test("signing up logs in, and the session outlives a reload", async ({ page }) => {
  await page.goto("/signup");
  await page.getByRole("textbox", { name: "Email" }).fill(`${unique("web")}@shopmesh.example`);
  await page.getByRole("textbox", { name: "Display name" }).fill("Ada Byron");
  await page.getByLabel("Password").fill("a long password");
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page).not.toHaveURL(/signup/);
  await page.goto("/account");
  await expect(page.getByText("Ada Byron").last()).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: "Log out" })).toBeVisible();
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain("eyJ");
});

test("field errors are shown beside the fields, and the typed values stay", async ({ page }) => {
  await page.goto("/signup");
  await page.getByRole("textbox", { name: "Email" }).fill("nonsense");
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByRole("alert")).toHaveCount(3);
  await expect(page.getByRole("textbox", { name: "Email" })).toBeFocused();
  await expect(page.getByRole("textbox", { name: "Email" })).toHaveValue("nonsense");
});

test("a wrong password shows an error message", async ({ page }) => {
  await page.goto("/login");
  await submitLogin(page, { email: "nobody@shopmesh.example", password: "not the password" });
  await expect(page.getByRole("alert")).toContainText("do not match");
});

test("a page that needs a login opens after the login", async ({ page }) => {
  const customer = await newCustomer();
  await page.goto("/orders");
  await expect(page).toHaveURL(/login/);
  await submitLogin(page, customer);
  await expect(page).toHaveURL(/\/orders$/);
  await expect(page.getByText("No orders yet")).toBeVisible();
});

test("a logout ends the session in every tab", async ({ page, context }) => {
  await logIn(page, await newCustomer());
  const other = await context.newPage();
  await other.goto("/orders");
  await expect(other.getByText("No orders yet")).toBeVisible();
  await page.goto("/account");
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("link", { name: "Log in" })).toBeVisible();
  await expect(other).toHaveURL(/login/);
});

test("tabs that open at the same time share one session", async ({ page, context }) => {
  await logIn(page, await newCustomer());
  const tabs = await Promise.all([1, 2, 3].map(() => context.newPage()));
  await Promise.all(tabs.map((tab) => tab.goto("/orders")));
  for (const tab of tabs) await expect(tab.getByText("No orders yet")).toBeVisible();
});

test("an expired access token is renewed silently", async ({ page }) => {
  await page.clock.install();
  await logIn(page, await newCustomer());
  const renewed = page.waitForRequest("**/*.UserService/RefreshSession");
  await page.clock.fastForward("11:00");
  await page.getByRole("link", { name: "Orders" }).click();
  await renewed;
  await expect(page.getByText("No orders yet")).toBeVisible();
});

test("a rejected access token is renewed and the call retried", async ({ page }) => {
  await logIn(page, await newCustomer());
  await page.route(
    "**/*.OrderService/ListOrders",
    (route) =>
      route.continue({ headers: { ...route.request().headers(), authorization: "Bearer stale" } }),
    { times: 1 },
  );
  await page.getByRole("link", { name: "Orders" }).click();
  await expect(page.getByText("No orders yet")).toBeVisible();
});

test("a new display name is saved and shown everywhere", async ({ page }) => {
  await logIn(page, await newCustomer());
  await page.goto("/account");
  await page.getByRole("textbox", { name: "Display name" }).fill("Countess");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("From now on we call you Countess")).toBeVisible();
  await expect(page.getByRole("banner")).toContainText("Countess");
  await page.reload();
  await expect(page.getByRole("textbox", { name: "Display name" })).toHaveValue("Countess");
  await page.getByRole("textbox", { name: "Display name" }).fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toHaveText("Please fill this in.");
});

test("after a password change only the new password works", async ({ page }) => {
  const customer = await newCustomer();
  await logIn(page, customer);
  await page.goto("/account");
  await page.getByRole("button", { name: "Change it" }).click();
  await page.getByLabel("Current password").fill("not the password");
  await page.getByLabel("New password").fill("another long password");
  await page.getByRole("button", { name: "Save" }).last().click();
  await expect(page.getByRole("alert")).toHaveText("That is not your current password.");
  await page.getByLabel("Current password").fill(customer.password);
  await page.getByRole("button", { name: "Save" }).last().click();
  await expect(page.getByText("Your password is changed")).toBeVisible();
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("link", { name: "Log in" })).toBeVisible();
  await page.goto("/login");
  await submitLogin(page, customer);
  await expect(page.getByRole("alert")).toContainText("do not match");
  await logIn(page, { ...customer, password: "another long password" });
});

test("a session is listed in another session, which can end it", async ({ page, browser }) => {
  const customer = await newCustomer();
  const elsewhere = await browser.newPage({ userAgent: "Mozilla/5.0 (Android 14) Firefox/140.0" });
  await logIn(elsewhere, customer);
  await logIn(page, customer);
  await page.goto("/account");
  const sessions = page.getByRole("region", { name: "Where you are logged in" });
  await expect(sessions.getByRole("listitem")).toHaveCount(2);
  await expect(sessions.getByRole("listitem").first()).toContainText("This device");
  await page.getByRole("button", { name: "End the session of Firefox on Android" }).click();
  await expect(sessions.getByRole("listitem")).toHaveCount(1);
  await elsewhere.goto("/orders");
  await expect(elsewhere).toHaveURL(/login/);
  await elsewhere.close();
});

test("a logout on every device ends all sessions", async ({ page, browser }) => {
  const customer = await newCustomer();
  const elsewhere = await browser.newPage();
  await logIn(elsewhere, customer);
  await logIn(page, customer);
  await page.goto("/account");
  await page.getByRole("button", { name: "Leave on every device" }).click();
  await expect(page.getByRole("link", { name: "Log in" })).toBeVisible();
  await elsewhere.goto("/orders");
  await expect(elsewhere).toHaveURL(/login/);
  await elsewhere.close();
});

test("a mailed link verifies the address, and works only once", async ({ page, context }) => {
  const customer = await newCustomer();
  await logIn(page, customer);
  await page.goto("/account");
  await expect(page.getByText("Not verified")).toBeVisible();
  const first = await mailedLink(customer.email, "/verify-email");
  await page.getByRole("button", { name: "Send the link again" }).click();
  await expect(page.getByText("A new link is on its way")).toBeVisible();
  await expect.poll(() => mailedLink(customer.email, "/verify-email")).not.toBe(first);

  const other = await context.newPage();
  await other.goto(first);
  await other.getByRole("button", { name: "Verify address" }).click();
  await expect(other.getByRole("alert")).toContainText("already been used or has expired");
  const link = await mailedLink(customer.email, "/verify-email");
  // The same page in the same tab, but with another token.
  await other.evaluate((link) => location.assign(link), link);
  await expect(other.getByRole("button", { name: "Verify address" })).toBeVisible();
  // Opening the page, as a mail scanner does, verifies nothing.
  await page.reload();
  await expect(page.getByText("Not verified")).toBeVisible();
  await other.getByRole("button", { name: "Verify address" }).click();
  await expect(other.getByRole("heading", { name: "Your address is verified" })).toBeVisible();
  expect(new URL(other.url()).hash).toBe("");
  await page.reload();
  await expect(page.getByText("Verified", { exact: true })).toBeVisible();
});

test("a mailed link sets a new password", async ({ page }) => {
  const customer = await newCustomer();
  await page.goto("/login");
  await page.getByRole("link", { name: "Set a new one" }).click();
  await page.getByLabel("Email").fill(customer.email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByText("a link is on its way")).toBeVisible();
  const link = await mailedLink(customer.email, "/reset-password");
  await page.goto(link);
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Password").fill("a third long password");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Continue" }).click();
  await logIn(page, { ...customer, password: "a third long password" });

  await page.goto(link);
  await page.getByLabel("Password").fill("a fourth long password");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("already been used or has expired");
  await page.getByRole("button", { name: "Ask for a new link" }).click();
  await expect(page.getByLabel("Email")).toBeVisible();
});

test("after logging out the browser stores no address", async ({ page }) => {
  const product = await addProduct(5);
  await logIn(page, await newCustomer());
  await addToCart(page, product);
  await page.goto("/checkout");
  await fillAddress(page);
  await setStock(product.productId, 0);
  await placeOrder(page).click();
  await expect(page.getByRole("alert").first()).toBeVisible();
  const stored = async () => {
    const purchases = await page.evaluate(() => localStorage.getItem("shopmesh.purchases"));
    const request = purchases?.match(/"bodies":\["([^"]+)/)?.[1] ?? "";
    return Buffer.from(request, "base64").toString();
  };
  expect(await stored()).toContain("Long Lane 1");
  await page.goto("/account");
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("link", { name: "Log in" })).toBeVisible();
  expect(await stored()).toBe("");
  await archive(product.productId);
});

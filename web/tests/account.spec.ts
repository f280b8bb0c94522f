import { expect, test } from "@playwright/test";
import { logIn, newCustomer, unique } from "./shop";

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

test("what is wrong with a field stands beside it, and what was typed stays", async ({ page }) => {
  await page.goto("/signup");
  await page.getByRole("textbox", { name: "Email" }).fill("nonsense");
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByRole("alert")).toHaveCount(3);
  await expect(page.getByRole("textbox", { name: "Email" })).toBeFocused();
  await expect(page.getByRole("textbox", { name: "Email" })).toHaveValue("nonsense");
});

test("a wrong password is refused in words", async ({ page }) => {
  await page.goto("/login");
  await page.getByLabel("Email").fill("nobody@shopmesh.example");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("alert")).toContainText("do not go together");
});

test("a page of the account asks for log-in and comes back after it", async ({ page }) => {
  const customer = await newCustomer();
  await page.goto("/orders");
  await expect(page).toHaveURL(/login/);
  await page.getByLabel("Email").fill(customer.email);
  await page.getByLabel("Password").fill(customer.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page).toHaveURL(/\/orders$/);
  await expect(page.getByText("No orders yet")).toBeVisible();
});

test("logging out ends the session in every tab", async ({ page, context }) => {
  await logIn(page, await newCustomer());
  const other = await context.newPage();
  await other.goto("/orders");
  await expect(other.getByText("No orders yet")).toBeVisible();
  await page.goto("/account");
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("link", { name: "Log in" })).toBeVisible();
  await expect(other).toHaveURL(/login/);
});

test("tabs that open at once share one session", async ({ page, context }) => {
  await logIn(page, await newCustomer());
  const tabs = await Promise.all([1, 2, 3].map(() => context.newPage()));
  await Promise.all(tabs.map((tab) => tab.goto("/orders")));
  for (const tab of tabs) await expect(tab.getByText("No orders yet")).toBeVisible();
});

test("a token that runs out in mid-session is renewed without a word", async ({ page }) => {
  await page.clock.install();
  await logIn(page, await newCustomer());
  const renewed = page.waitForRequest("**/*.UserService/RefreshSession");
  await page.clock.fastForward("11:00");
  await page.getByRole("link", { name: "Orders" }).click();
  await renewed;
  await expect(page.getByText("No orders yet")).toBeVisible();
});

test("a token that is refused is renewed and the call made again", async ({ page }) => {
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

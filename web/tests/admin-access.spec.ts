import { expect, test } from "@playwright/test";
import { adminAccount, logIn, newCustomer, submitLogin } from "./store";

test("a customer cannot open the admin pages", async ({ page }) => {
  await logIn(page, await newCustomer());
  for (const path of ["/admin", "/admin/orders", "/admin/inventory"]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { name: "Not allowed" })).toBeVisible();
  }
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Admin", exact: true })).toHaveCount(0);
});

test("an admin page opens after the login", async ({ page }) => {
  await page.goto("/admin/notifications");
  await expect(page).toHaveURL(/\/login$/);
  await submitLogin(page, adminAccount());
  await expect(page).toHaveURL(/\/admin\/notifications$/);
  await expect(page.getByRole("heading", { name: "Notifications" })).toBeVisible();
});

test("the admin navigation opens every section", async ({ page }) => {
  await logIn(page, adminAccount());
  await page.getByRole("link", { name: "Admin", exact: true }).click();
  for (const name of [
    "Overview",
    "Inventory",
    "Orders",
    "Analytics",
    "Notifications",
    "Customers",
    "Audit",
  ]) {
    await page.getByRole("link", { name, exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
    await expect(page.getByRole("link", { name, exact: true })).toHaveAttribute(
      "aria-current",
      "page",
    );
  }
});

test("the storefront loads no admin script, and lists load no charts", async ({ page }) => {
  const scripts: string[] = [];
  page.on("request", (request) => scripts.push(request.url()));
  await logIn(page, adminAccount());
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Admin", exact: true })).toBeVisible();
  expect(scripts.filter((url) => /\/assets\/admin/.test(url))).toEqual([]);
  await page.goto("/admin/inventory");
  await expect(page.getByRole("table", { name: "Stock" })).toBeVisible();
  expect(scripts.filter((url) => /\/assets\/metrics/.test(url))).toEqual([]);
  await page.goto("/admin/analytics");
  await expect(page.getByRole("region", { name: "Revenue" })).toBeVisible();
  expect(scripts.filter((url) => /\/assets\/metrics/.test(url))).not.toEqual([]);
});

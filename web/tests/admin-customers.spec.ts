import { expect, type Page, test } from "@playwright/test";
import { adminAccount, type Customer, logIn, newCustomer } from "./store";

let customer: Customer;

test.beforeEach(async ({ page }) => {
  customer = await newCustomer();
  await logIn(page, adminAccount());
  await page.goto("/admin/customers");
  await page.getByRole("searchbox", { name: "Name or email" }).fill(customer.email);
  await expect(account(page)).toHaveCount(1);
});

const account = (page: Page) =>
  page
    .getByRole("list", { name: "Accounts" })
    .getByRole("listitem")
    .filter({ hasText: customer.email });

test("an account that is disabled is shut out until it is enabled", async ({ page, browser }) => {
  await account(page).getByRole("button", { name: "Disable" }).click();
  await expect(account(page)).toContainText("Disabled");
  const theirs = await browser.newPage();
  await theirs.goto("/login");
  await theirs.getByLabel("Email").fill(customer.email);
  await theirs.getByLabel("Password").fill(customer.password);
  await theirs.getByRole("button", { name: "Log in" }).click();
  await expect(theirs.getByRole("alert")).toContainText("was disabled");
  await account(page).getByRole("button", { name: "Enable" }).click();
  await expect(account(page).getByRole("button", { name: "Disable" })).toBeFocused();
  await theirs.getByRole("button", { name: "Log in" }).click();
  await expect(theirs).not.toHaveURL(/login/);
});

test("a customer is made an admin, and found among them", async ({ page, browser }) => {
  await account(page).getByRole("button", { name: "Make admin" }).click();
  await expect(account(page)).toContainText("Admin");
  await page.getByRole("combobox", { name: "Role" }).selectOption({ label: "Customer" });
  await expect(page.getByText("No such accounts")).toBeVisible();
  await page.getByRole("combobox", { name: "Role" }).selectOption({ label: "Admin" });
  await expect(account(page)).toHaveCount(1);
  const theirs = await browser.newPage();
  await logIn(theirs, customer);
  await theirs.goto("/admin");
  await expect(theirs.getByRole("heading", { name: "Overview" })).toBeVisible();
  await account(page).getByRole("button", { name: "Make customer" }).click();
  await expect(account(page).getByRole("button", { name: "Make admin" })).toBeVisible();
});

test("an admin cannot shut itself out", async ({ page }) => {
  const { email } = adminAccount();
  await page.getByRole("searchbox", { name: "Name or email" }).fill(email);
  const own = page.getByRole("listitem").filter({ hasText: email });
  await expect(own).toContainText("This is you.");
  await expect(own.getByRole("button")).toHaveCount(0);
});

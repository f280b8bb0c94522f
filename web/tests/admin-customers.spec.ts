import { expect, type Page, test } from "@playwright/test";
import { adminAccount, type Customer, logIn, newCustomer, submitLogin } from "./store";

let customer: Customer;

test.beforeEach(async ({ page }) => {
  customer = await newCustomer();
  await logIn(page, adminAccount());
  await page.goto("/admin/customers");
  await page.getByRole("searchbox", { name: "Name or email" }).fill(customer.email);
  // The filtered list has no other account; the first page of all accounts may have this one too.
  await expect(accounts(page)).toHaveCount(1);
  await expect(account(page)).toHaveCount(1);
});

const accounts = (page: Page) => page.getByRole("list", { name: "Accounts" }).getByRole("listitem");
const account = (page: Page) => accounts(page).filter({ hasText: customer.email });

test("a disabled account cannot log in until it is enabled", async ({ page, browser }) => {
  await account(page).getByRole("button", { name: "Disable" }).click();
  await expect(account(page)).toContainText("Disabled");
  const theirs = await browser.newPage();
  await theirs.goto("/login");
  await submitLogin(theirs, customer);
  await expect(theirs.getByRole("alert")).toContainText("was disabled");
  await account(page).getByRole("button", { name: "Enable" }).click();
  await expect(account(page).getByRole("button", { name: "Disable" })).toBeFocused();
  await theirs.getByRole("button", { name: "Log in" }).click();
  await expect(theirs).not.toHaveURL(/login/);
});

test("a customer becomes an admin, and the role filter finds them", async ({ page, browser }) => {
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

test("admins cannot disable their own account", async ({ page }) => {
  const { email } = adminAccount();
  await page.getByRole("searchbox", { name: "Name or email" }).fill(email);
  const own = page.getByRole("listitem").filter({ hasText: email });
  await expect(own).toContainText("This is you.");
  await expect(own.getByRole("button")).toHaveCount(0);
});

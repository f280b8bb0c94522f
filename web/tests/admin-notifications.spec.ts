import { expect, type Page, test } from "@playwright/test";
import {
  addProduct,
  adminAccount,
  archive,
  logIn,
  mailsTo,
  newCustomer,
  placeOrders,
} from "./store";

test.beforeEach(({ page }) => logIn(page, adminAccount()));

const mails = (page: Page) => page.getByRole("region", { name: "Mails" }).getByRole("listitem");

test("a mail is listed with the server's reply, and can be resent", async ({ page }) => {
  const [customer, product] = await Promise.all([newCustomer(), addProduct(5)]);
  const [orderId = ""] = await placeOrders(customer, product, [1]);
  const subject = `Your order ${orderId.slice(0, 8)} is confirmed`;
  await page.goto("/admin/notifications");
  await page.getByRole("textbox", { name: "Recipient" }).fill(customer.email);
  await page.getByRole("textbox", { name: "Recipient" }).press("Enter");
  const mail = mails(page).filter({ hasText: subject });
  await expect(mail).toContainText("Sent");
  await mail.getByRole("button", { name: "Attempts" }).click();
  await expect(mail.getByRole("listitem")).toContainText("250");
  await mail.getByRole("button", { name: "Resend" }).click();
  await expect(mail.getByRole("listitem")).toHaveCount(2);
  await expect(mail).toContainText("Sent");
  await expect.poll(() => mailsTo(customer.email)).toContain(subject);
  await expect
    .poll(async () => (await mailsTo(customer.email)).filter((it) => it === subject).length)
    .toBe(2);
  await mail.getByRole("link", { name: `Order ${orderId.slice(0, 8)}` }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Order ${orderId.slice(0, 8)}`);
  await archive(product.productId);
});

test("a mail that the server rejected is listed as failed, and can be resent", async ({ page }) => {
  // An account may have such an address; the mail server rejects a `_` in the host.
  const customer = await newCustomer("no_such.example");
  await page.goto("/admin/notifications?state=failed");
  await page.getByRole("textbox", { name: "Recipient" }).fill(customer.email);
  await expect(async () => {
    await page.getByRole("textbox", { name: "Recipient" }).press("Enter");
    await page.reload();
    await expect(mails(page)).toHaveCount(1, { timeout: 1000 });
  }).toPass();
  await expect(mails(page)).toContainText("Failed");
  await page.getByRole("button", { name: "Attempts" }).click();
  const attempts = mails(page).getByRole("listitem");
  await expect(attempts).toContainText("501");
  await page.getByRole("button", { name: "Resend" }).click();
  await expect(page.getByText("No such mails").or(attempts.nth(1))).toBeVisible();
  await page.getByRole("combobox", { name: "State" }).selectOption({ label: "Any" });
  await expect(page.getByRole("button", { name: "Resend" })).toBeVisible();
  const button = page.getByRole("button", { name: "Attempts" });
  if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
  await expect(mails(page).first()).toContainText("Failed");
  await expect(attempts.nth(1)).toContainText("501");
});

test("state and recipient filter the list and stay in the address", async ({ page }) => {
  const customer = await newCustomer();
  await page.goto("/admin/notifications");
  await page.getByRole("textbox", { name: "Recipient" }).fill(customer.email);
  await page.getByRole("combobox", { name: "State" }).selectOption({ label: "Sent" });
  // The welcome mail is sent in a moment.
  await expect(async () => {
    await page.reload();
    await expect(mails(page)).toHaveCount(1, { timeout: 1000 });
  }).toPass();
  await page.getByRole("combobox", { name: "State" }).selectOption({ label: "Failed" });
  await expect(page.getByText("No such mails")).toBeVisible();
  await page.reload();
  await expect(page.getByRole("combobox", { name: "State" })).toHaveValue("failed");
  await expect(page.getByText("No such mails")).toBeVisible();
});

import { readFile } from "node:fs/promises";
import { createClient } from "@connectrpc/connect";
import { expect, type Page, test } from "@playwright/test";
import { OrderAdminService } from "../src/gen/shopmesh/order/v1/order_admin_service_pb";
import {
  addProduct,
  admin,
  adminAccount,
  archive,
  type Customer,
  logIn,
  mailsTo,
  newCustomer,
  placeOrders,
  type TestProduct,
} from "./store";

let customer: Customer;
let product: TestProduct;

test.beforeEach(async ({ page }) => {
  [customer, product] = await Promise.all([newCustomer(), addProduct(100)]);
  await logIn(page, adminAccount());
});

test.afterEach(() => archive(product.productId));

const rows = (page: Page) => page.getByRole("table", { name: "Orders" }).locator("tbody tr");

async function findByEmail(page: Page): Promise<void> {
  await page.goto("/admin/orders");
  await page.getByRole("textbox", { name: "Customer email" }).fill(customer.email);
  await page.getByRole("textbox", { name: "Customer email" }).press("Enter");
}

test("an admin finds and ships an order, and the customer gets a mail", async ({ page }) => {
  const [orderId = ""] = await placeOrders(customer, product, [2]);
  await findByEmail(page);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("€20.00");
  await page.getByRole("link", { name: orderId.slice(0, 8) }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Order ${orderId.slice(0, 8)}`);
  await page.getByRole("button", { name: "Mark shipped" }).click();
  const timeline = page.getByRole("region", { name: "Timeline" }).getByRole("listitem");
  await expect(timeline.first()).toContainText("by the customer");
  await expect(timeline.last()).toContainText("Shipped");
  await expect(timeline.last()).toContainText("by you");
  await expect(page.getByRole("button", { name: "Cancel order" })).toHaveCount(0);
  const mails = page.getByRole("region", { name: "Mails" }).getByRole("listitem");
  await expect(mails.filter({ hasText: "is on its way" })).toContainText("Sent");
  await expect(mails.filter({ hasText: "is confirmed" })).toContainText("Sent");
  expect(await mailsTo(customer.email)).toContain(
    `Your order ${orderId.slice(0, 8)} is on its way`,
  );
});

test("cancelling an order returns its stock", async ({ page }) => {
  const [orderId] = await placeOrders(customer, product, [4]);
  await page.goto(`/admin/orders/${orderId}`);
  await page.getByRole("button", { name: "Cancel order" }).click();
  await expect(page.getByText("Cancelled", { exact: true }).first()).toBeVisible();
  await expect(async () => {
    await page.goto(`/admin/inventory/${product.productId}`);
    await expect(page.locator(".figures dd").first()).toHaveText("100", { timeout: 1000 });
    await expect(page.locator(".figures dd").nth(1)).toHaveText("0", { timeout: 1000 });
  }).toPass();
});

test("an order that another admin has changed shows an error and its new state", async ({
  page,
}) => {
  const [orderId = ""] = await placeOrders(customer, product, [1]);
  await page.goto(`/admin/orders/${orderId}`);
  await expect(page.getByRole("button", { name: "Mark shipped" })).toBeVisible();
  await createClient(OrderAdminService, await admin()).cancelAnyOrder({ orderId });
  await page.getByRole("button", { name: "Mark shipped" }).click();
  await expect(page.getByRole("alert")).toContainText("shipped or cancelled in the meantime");
  await expect(page.getByRole("button", { name: "Mark shipped" })).toHaveCount(0);
});

test("state, product, amount and dates filter the list", async ({ page }) => {
  const [shipped = "", cheap = ""] = await placeOrders(customer, product, [3, 1]);
  await createClient(OrderAdminService, await admin()).shipOrder({ orderId: shipped });
  await page.goto("/admin/orders");
  await page.getByRole("textbox", { name: "Product or SKU" }).fill(product.slug);
  await page.getByRole("textbox", { name: "Product or SKU" }).press("Enter");
  await expect(rows(page)).toHaveCount(2);
  await expect(page.getByText("Only orders with")).toContainText(product.name);

  await page.getByRole("combobox", { name: "State" }).selectOption({ label: "Shipped" });
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText(shipped.slice(0, 8));
  await page.getByRole("combobox", { name: "State" }).selectOption({ label: "Any" });
  await expect(rows(page)).toHaveCount(2);

  await page.getByRole("textbox", { name: "Minimum amount" }).fill("10.01");
  await page.getByRole("textbox", { name: "Minimum amount" }).press("Enter");
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole("textbox", { name: "Minimum amount" }).fill("");
  await page.getByRole("combobox", { name: "Sort" }).selectOption({ label: "Lowest amount first" });
  await expect(rows(page)).toHaveCount(2);
  await expect(rows(page).first()).toContainText(cheap.slice(0, 8));

  const day = (offset: number) => {
    const parts = new Intl.DateTimeFormat("sv", { timeZone: "Europe/Berlin" });
    return parts.format(new Date(Date.now() + offset * 86_400_000));
  };
  await page.getByLabel("From", { exact: true }).fill(day(0));
  await page.getByLabel("To", { exact: true }).fill(day(0));
  await expect(rows(page)).toHaveCount(2);
  await page.reload();
  await expect(rows(page)).toHaveCount(2);
  await page.getByLabel("From", { exact: true }).fill(day(-2));
  await page.getByLabel("To", { exact: true }).fill(day(-1));
  await expect(page.getByText("No orders match")).toBeVisible();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await expect(rows(page).first()).toBeVisible();
  await expect(page.getByLabel("From", { exact: true })).toHaveValue("");
});

test("an invalid filter shows an error at its field", async ({ page }) => {
  await page.goto("/admin/orders");
  await page.getByRole("textbox", { name: "Minimum amount" }).fill("a lot");
  await page.getByRole("textbox", { name: "Minimum amount" }).press("Enter");
  await expect(page.getByText("Enter an amount such as 12.50.")).toBeVisible();
  await page.getByRole("textbox", { name: "Minimum amount" }).fill("");
  await page.getByRole("textbox", { name: "Product or SKU" }).fill("qqqqqqqq");
  await page.getByRole("textbox", { name: "Product or SKU" }).press("Enter");
  await expect(page.getByText("No product matches.")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Product or SKU" })).toHaveValue("qqqqqqqq");
});

test("the list is paged in both directions", async ({ page }) => {
  const orderIds = await placeOrders(customer, product, Array(21).fill(1));
  await findByEmail(page);
  await expect(rows(page)).toHaveCount(20);
  await page.getByRole("button", { name: "Next page" }).click();
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText(orderIds[0]?.slice(0, 8) ?? "");
  await expect(page.getByRole("button", { name: "Next page" })).toBeDisabled();
  await page.getByRole("link", { name: orderIds[0]?.slice(0, 8) ?? "" }).click();
  await expect(page.getByRole("heading", { name: "Timeline" })).toBeVisible();
  await page.goBack();
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole("button", { name: "Previous page" }).click();
  await expect(rows(page)).toHaveCount(20);
  await expect(rows(page).first()).toContainText(orderIds.at(-1)?.slice(0, 8) ?? "");
  await expect(page.getByRole("button", { name: "Previous page" })).toBeDisabled();
});

test("the export has exactly the orders that match the filters", async ({ page }) => {
  const orderIds = await placeOrders(customer, product, [1, 2, 3]);
  await findByEmail(page);
  await expect(rows(page)).toHaveCount(3);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export CSV" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/^orders-\d{4}-\d\d-\d\d\.csv$/);
  const lines = (await readFile(await file.path(), "utf8")).trimEnd().split("\r\n");
  expect(lines).toHaveLength(4);
  for (const orderId of orderIds) {
    expect(lines.filter((line) => line.includes(orderId))).toHaveLength(1);
  }
});

import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { expect, type Page, test } from "@playwright/test";
import { OrderAdminService } from "../src/gen/shopmesh/order/v1/order_admin_service_pb";
import { type Order, OrderState } from "../src/gen/shopmesh/order/v1/order_service_pb";
import { addProduct, admin, adminAccount, archive, logIn, newCustomer, placeOrders } from "./store";

test.beforeEach(({ page }) => logIn(page, adminAccount()));

const figure = (page: Page, name: string) =>
  page
    .locator(".figures > div")
    .filter({ has: page.getByText(name, { exact: true }) })
    .locator("dd");

test("the totals equal the sums of the listed orders", async ({ page }) => {
  const [customer, product] = await Promise.all([newCustomer(), addProduct(10)]);
  await placeOrders(customer, product, [1, 2]);
  // Other tests place orders at the same time, so this retries until none came in between.
  await expect(async () => {
    const before = await countedOrders();
    await page.goto("/admin/analytics");
    await expect(figure(page, "Orders")).toBeVisible({ timeout: 5000 });
    const shown = await figure(page, "Orders").textContent();
    const revenue = await figure(page, "Revenue").textContent();
    const after = await countedOrders();
    expect(after.map(({ orderId }) => orderId)).toEqual(before.map(({ orderId }) => orderId));
    expect(number(shown)).toBe(after.length);
    const cents = after.reduce(
      (sum, { total }) => sum + Number(total?.units) * 100 + (total?.nanos ?? 0) / 1e7,
      0,
    );
    expect(Math.round(number(revenue) * 100)).toBe(cents);
  }).toPass({ timeout: 40_000 });

  await page.getByRole("button", { name: "Show them in the list" }).click();
  await expect(page.getByRole("combobox", { name: "State" })).toHaveValue("counted");
  await expect(page.getByRole("table", { name: "Orders" })).toBeVisible();
  await archive(product.productId);
});

test("the admin chooses bucket and range, and each chart has a table", async ({ page }) => {
  await page.goto("/admin/analytics");
  const days = page.getByRole("region", { name: "Revenue" }).getByRole("table").locator("tbody tr");
  await expect(days).toHaveCount(30);
  await page.getByRole("button", { name: "Last 7 days" }).click();
  await expect(days).toHaveCount(7);
  await page.getByLabel("From", { exact: true }).fill("2026-01-01");
  await page.getByLabel("To", { exact: true }).fill("2026-03-31");
  await expect(days).toHaveCount(90);
  await page.getByRole("combobox", { name: "Bucket" }).selectOption({ label: "Month" });
  await expect(days).toHaveCount(3);
  await expect(days.first()).toContainText("March 2026");
  for (const name of ["Orders", "Average order value"]) {
    await expect(page.getByRole("region", { name, exact: true }).locator("tbody tr")).toHaveCount(
      3,
    );
  }
  await page.reload();
  await expect(days).toHaveCount(3);
});

test("a chart shows the value under the pointer", async ({ page }) => {
  const [customer, product] = await Promise.all([newCustomer(), addProduct(10)]);
  await placeOrders(customer, product, [1]);
  await page.goto("/admin/analytics");
  const region = page.getByRole("region", { name: "Revenue" });
  const latest = region.locator("tbody tr").first();
  await expect(latest).not.toContainText("€0.00");
  const chart = await region.getByRole("img").boundingBox();
  if (!chart) throw new Error("no chart");
  await page.mouse.move(chart.x + chart.width - 5, chart.y + chart.height / 2);
  const [day, amount] = await latest.locator("th, td").allTextContents();
  await expect(region.locator(".readout")).toHaveText(`${amount}${day}`);
  await page.mouse.move(0, 0);
  await expect(region.locator(".readout")).toContainText("in total");
  await archive(product.productId);
});

test("a range with too many periods shows an error at its field", async ({ page }) => {
  await page.goto("/admin/analytics?from=2020-01-01&bucket=hour");
  await expect(page.getByRole("alert")).toHaveText(
    "This range is too long for such a short bucket.",
  );
  await expect(page.getByLabel("From", { exact: true })).toHaveValue("2020-01-01");
  await page.getByRole("combobox", { name: "Bucket" }).selectOption({ label: "Month" });
  await expect(page.getByRole("region", { name: "Revenue" })).toBeVisible();
});

test("the overview shows the orders of today and what needs attention", async ({ page }) => {
  const [customer, product] = await Promise.all([newCustomer(), addProduct(10)]);
  await placeOrders(customer, product, [1]);
  await page.goto("/admin");
  await expect(figure(page, "Orders since midnight")).not.toHaveText("0");
  await expect(page.getByRole("region", { name: "To ship" }).getByRole("listitem")).not.toHaveCount(
    0,
  );
  await expect(page.getByRole("region", { name: "Mails" })).toContainText("Sent");
  await page.getByRole("button", { name: "See all with low stock" }).click();
  await expect(page.getByRole("checkbox", { name: "Low stock only" })).toBeChecked();
  await archive(product.productId);
});

/** Lists the orders that the page counts by default: 30 days of the browser's time zone, not cancelled. */
async function countedOrders(): Promise<Order[]> {
  const orders = createClient(OrderAdminService, await admin());
  const day = new Intl.DateTimeFormat("sv", { timeZone: "Europe/Berlin" });
  const first = day.format(new Date(Date.now() - 29 * 86_400_000));
  const startTime = timestampFromDate(new Date(Date.now() - 31 * 86_400_000));
  const found: Order[] = [];
  let pageToken = "";
  do {
    const answer = await orders.listAllOrders({
      pageSize: 100,
      pageToken,
      states: [OrderState.CONFIRMED, OrderState.SHIPPED],
      startTime,
    });
    found.push(...answer.orders);
    pageToken = answer.nextPageToken;
  } while (pageToken);
  return found.filter(
    ({ createTime }) => createTime && day.format(timestampDate(createTime)) >= first,
  );
}

const number = (text: string | null) => Number((text ?? "").replace(/[^\d.]/g, ""));

import { expect, type Page, test } from "@playwright/test";
import { addProduct, adminAccount, logIn, setPrice, setStock, type TestProduct } from "./store";

let product: TestProduct;

test.beforeEach(async ({ page }) => {
  product = await addProduct(5);
  await setStock(product.productId, 7);
  await setPrice(product.productId, 12n);
  await logIn(page, adminAccount());
  await page.goto("/admin/audit");
  await page.getByRole("textbox", { name: "Subject" }).fill(product.productId);
  await page.getByRole("textbox", { name: "Subject" }).press("Enter");
});

const rows = (page: Page) =>
  page.getByRole("table", { name: "Audit" }).locator("tbody").getByRole("row");

/** Waits until the list has this many entries: those of other services appear soon after the change. */
async function expectEntries(page: Page, count: number): Promise<void> {
  await expect(async () => {
    await page.reload();
    await expect(rows(page)).toHaveCount(count, { timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
}

test("an admin sees who changed what of a product", async ({ page }) => {
  await expectEntries(page, 4);
  await expect(rows(page).nth(0)).toContainText("Update product");
  await expect(rows(page).nth(0)).toContainText("Price minor: 1000 → 1200");
  await expect(rows(page).nth(1)).toContainText("On hand: 5 → 7");
  await expect(rows(page).nth(1)).toContainText("You");
  await expect(rows(page).nth(3)).toContainText("Create product");
  await rows(page).nth(0).getByRole("link", { name: product.productId }).click();
  await expect(page).toHaveURL(`/admin/products/${product.productId}`);
});

test("the filters of the audit select by method, actor and period", async ({ page }) => {
  await expectEntries(page, 4);
  await page.getByRole("combobox", { name: "Method" }).selectOption("Update inventory");
  await expect(rows(page)).toHaveCount(2);
  await page.getByLabel("From").fill("2099-01-01");
  await page.getByLabel("From").press("Enter");
  await expect(page.getByText("No such changes")).toBeVisible();
  await page.getByLabel("From").fill("");
  await page.getByLabel("From").press("Enter");
  await expect(rows(page)).toHaveCount(2);
  await page.getByRole("textbox", { name: "Actor" }).fill("nobody");
  await page.getByRole("textbox", { name: "Actor" }).press("Enter");
  await expect(page.getByRole("alert")).toContainText("Must be a UUID");
  await page.getByRole("textbox", { name: "Actor" }).fill(product.productId);
  await page.getByRole("textbox", { name: "Actor" }).press("Enter");
  await expect(page.getByText("No such changes")).toBeVisible();
});

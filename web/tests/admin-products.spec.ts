import { expect, type Page, test } from "@playwright/test";
import {
  addProduct,
  adminAccount,
  archive,
  logIn,
  setPrice,
  type TestProduct,
  unique,
} from "./shop";

let product: TestProduct;

test.beforeEach(async ({ page }) => {
  product = await addProduct(3);
  await logIn(page, adminAccount());
});

test.afterEach(() => archive(product.productId));

const field = (page: Page, name: string) => page.getByRole("textbox", { name, exact: true });
const save = (page: Page) => page.getByRole("button", { name: "Save product" }).click();

test("a new product is for sale once it has a SKU of its own", async ({ page }) => {
  const sku = unique("sku");
  await page.goto("/admin/products/new");
  await field(page, "Name").fill(`Thing ${sku}`);
  await field(page, "SKU").fill(product.slug);
  await field(page, "Price").fill("twelve");
  await page.getByRole("combobox", { name: "Category" }).fill("office");
  await page.getByRole("button", { name: "Add product" }).click();
  await expect(page.getByRole("alert")).toHaveText("Write an amount such as 12.50.");
  await field(page, "Price").fill("12,50");
  await page.getByRole("button", { name: "Add product" }).click();
  await expect(page.getByRole("alert")).toHaveText("Another product has this SKU.");
  await expect(field(page, "Name")).toHaveValue(`Thing ${sku}`);
  await field(page, "SKU").fill(sku);
  await page.getByRole("button", { name: "Add product" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Thing ${sku}`);
  await expect(page.getByText("Nothing yet")).toBeVisible();
  const productId = page.url().split("/").at(-1) ?? "";
  await page.goto(`/products/thing-${sku}`);
  await expect(page.getByRole("main")).toContainText("€12.50");
  await archive(productId);
});

test("a price is changed, and a product taken off sale and put back", async ({ page }) => {
  await page.goto(`/admin/products/${product.productId}`);
  await field(page, "Price").fill("15.25");
  await save(page);
  await expect(page.getByText("Saved.")).toBeVisible();
  await page.getByRole("button", { name: "Archive" }).click();
  await expect(page.getByRole("heading", { name: "Off sale" })).toBeVisible();
  await page.goto(`/products/${product.slug}`);
  await expect(page.getByRole("heading", { name: "Product not found" })).toBeVisible();
  await page.goto(`/admin/products/${product.productId}`);
  await page.getByRole("button", { name: "Put back on sale" }).click();
  await expect(page.getByRole("heading", { name: "On sale" })).toBeVisible();
  await page.goto(`/products/${product.slug}`);
  await expect(page.getByRole("main")).toContainText("€15.25");
});

test("what somebody else changed meanwhile is told, and only that field is asked about", async ({
  page,
}) => {
  await page.goto(`/admin/products/${product.productId}`);
  await expect(field(page, "Price")).toHaveValue("10.00");
  await setPrice(product.productId, 11n);
  await field(page, "Price").fill("12.00");
  await field(page, "Description").fill("Made for two admins.");
  await save(page);
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("Price: it is “11.00” now, you typed “12.00”.");
  await save(page);
  await expect(page.getByText("Saved.")).toBeVisible();
  await page.reload();
  await expect(field(page, "Price")).toHaveValue("12.00");
  await expect(field(page, "Description")).toHaveValue("Made for two admins.");
});

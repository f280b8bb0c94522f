import { expect, type Page, test } from "@playwright/test";
import {
  addProduct,
  adminAccount,
  archive,
  logIn,
  setPrice,
  type TestProduct,
  unique,
} from "./store";

let product: TestProduct;

test.beforeEach(async ({ page }) => {
  product = await addProduct(3);
  await logIn(page, adminAccount());
});

test.afterEach(() => archive(product.productId));

const field = (page: Page, name: string) => page.getByRole("textbox", { name, exact: true });
const save = (page: Page) => page.getByRole("button", { name: "Save product" }).click();

test("a new product needs an unused SKU", async ({ page }) => {
  const sku = unique("sku");
  await page.goto("/admin/products/new");
  await field(page, "Name").fill(`Thing ${sku}`);
  await field(page, "SKU").fill(product.slug);
  await field(page, "Price").fill("twelve");
  await page.getByRole("combobox", { name: "Category" }).fill("office");
  await page.getByRole("button", { name: "Add product" }).click();
  await expect(page.getByRole("alert")).toHaveText("Enter an amount such as 12.50.");
  await field(page, "Price").fill("12,50");
  await page.getByRole("button", { name: "Add product" }).click();
  await expect(page.getByRole("alert")).toHaveText("Another product has this SKU.");
  await expect(field(page, "Name")).toHaveValue(`Thing ${sku}`);
  await field(page, "SKU").fill(sku);
  await page.getByRole("button", { name: "Add product" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Thing ${sku}`);
  await expect(page.getByText("No changes yet")).toBeVisible();
  const productId = page.url().split("/").at(-1) ?? "";
  await page.goto(`/products/thing-${sku}`);
  await expect(page.getByRole("main")).toContainText("€12.50");
  await archive(productId);
});

test("an admin changes a price, and takes a product off sale and back", async ({ page }) => {
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

test("a conflicting change shows both values of the field that differs", async ({ page }) => {
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

test("a file is imported as a whole, or its bad rows are listed", async ({ page }) => {
  const sku = unique("row");
  const rows = (price: string) =>
    `sku,name,category,price,currency\n${sku}-1,Thing ${sku}-1,office,5.00,EUR\n${sku}-2,Thing ${sku}-2,office,${price},EUR\n`;
  const choose = (text: string) =>
    page.getByLabel("File").setInputFiles({
      name: "products.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(text),
    });
  await page.goto("/admin/inventory");
  await page.getByRole("link", { name: "Import catalogue" }).click();
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByRole("alert")).toHaveText("Choose a file first.");

  await choose(rows("cheap"));
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByRole("alert")).toContainText("Nothing was imported: 1 row has a problem");
  const bad = page.getByRole("table", { name: "Rows with problems" });
  await expect(bad.getByRole("row").nth(1)).toContainText("3");
  await expect(bad.getByRole("row").nth(1)).toContainText("price");

  await choose(rows("6.00"));
  await page.getByRole("button", { name: "Import" }).click();
  const report = page.getByRole("region", { name: "Report" });
  await expect(report).toContainText("New2");
  await page.getByRole("button", { name: "Import" }).click();
  await expect(report).toContainText("Unchanged2");

  await page.goto("/admin/inventory");
  await page.getByRole("searchbox", { name: "Search products" }).fill(`Thing ${sku}-1`);
  const link = page.getByRole("link", { name: `Thing ${sku}-1` });
  await expect(link).toBeVisible();
  for (const number of [1, 2]) {
    await page.getByRole("searchbox", { name: "Search products" }).fill(`Thing ${sku}-${number}`);
    const found = page.getByRole("link", { name: `Thing ${sku}-${number}` });
    await archive((await found.getAttribute("href"))?.split("/").at(-1) ?? "");
  }
});

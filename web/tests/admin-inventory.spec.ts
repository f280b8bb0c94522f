import { expect, type Page, test } from "@playwright/test";
import {
  addProduct,
  adminAccount,
  archive,
  logIn,
  loseResponses,
  setStock,
  type TestProduct,
} from "./store";

const UPDATE = "**/*.InventoryService/UpdateInventory";

let product: TestProduct;

test.beforeEach(async () => {
  product = await addProduct(7);
});

test.afterEach(() => archive(product.productId));

const onHand = (page: Page) => page.getByRole("spinbutton", { name: "On hand" });
const ledger = (page: Page) => page.getByRole("table", { name: "Ledger" });
const save = (page: Page) => page.getByRole("button", { name: "Save" }).click();

async function open(page: Page): Promise<void> {
  await page.goto(`/admin/inventory/${product.productId}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(product.name);
}

/** Adds 5 to what is on hand, but the response is lost. */
async function addFiveWithLostResponse(page: Page): Promise<void> {
  await logIn(page, adminAccount());
  await open(page);
  await page.getByRole("radio", { name: "Add or remove" }).check();
  await page.getByRole("spinbutton", { name: "Change by" }).fill("5");
  await page.getByRole("combobox", { name: "Reason" }).selectOption({ label: "Received" });
  await loseResponses(page, UPDATE, 1);
  await save(page);
  await expect(page.getByRole("alert")).toContainText("the change will not be made twice");
}

test("an admin finds a product and sets what is on hand, and the storefront shows it", async ({
  page,
}) => {
  await logIn(page, adminAccount());
  await page.goto("/admin/inventory");
  await page.getByRole("searchbox", { name: "Search products" }).fill(product.name);
  await page.getByRole("link", { name: product.name }).click();
  await onHand(page).fill("0");
  await page.getByRole("combobox", { name: "Reason" }).selectOption({ label: "Damaged" });
  await page.getByRole("textbox", { name: "Note" }).fill("Water in the cellar");
  await save(page);
  await expect(page.getByText("The ledger below has the change.")).toBeVisible();
  const latest = ledger(page).getByRole("row").nth(1);
  await expect(latest).toContainText("-7");
  await expect(latest).toContainText("Damaged");
  await expect(latest).toContainText("Water in the cellar");
  await expect(latest).toContainText("You");
  await expect(page.getByRole("textbox", { name: "Note" })).toHaveValue("");
  await page.goto(`/products/${product.slug}`);
  await expect(page.getByRole("status")).toHaveText("Out of stock");
});

test("an adjustment adds to the current quantity, not to the one on the page", async ({ page }) => {
  await logIn(page, adminAccount());
  await open(page);
  await setStock(product.productId, 9);
  await page.getByRole("radio", { name: "Add or remove" }).check();
  await page.getByRole("spinbutton", { name: "Change by" }).fill("12");
  await page.getByRole("combobox", { name: "Reason" }).selectOption({ label: "Received" });
  await save(page);
  await expect(ledger(page).getByRole("row").nth(1)).toContainText("+12");
  await expect(page.locator(".figures dd").first()).toHaveText("21");
});

test("the second of two admins sees both quantities, and may still save theirs", async ({
  browser,
}) => {
  const [one, other] = await Promise.all([browser.newPage(), browser.newPage()]);
  for (const page of [one, other]) {
    await logIn(page, adminAccount());
    await open(page);
    await page.getByRole("combobox", { name: "Reason" }).selectOption({ label: "Counted" });
  }
  await onHand(one).fill("5");
  await save(one);
  await expect(ledger(one).getByRole("row").nth(1)).toContainText("-2");

  await onHand(other).fill("11");
  await save(other);
  await expect(other.getByRole("alert")).toContainText("You saw 7, now there are 5");
  await expect(onHand(other)).toHaveValue("11");
  await save(other);
  await expect(ledger(other).getByRole("row").nth(1)).toContainText("+6");
  await expect(other.getByRole("alert")).toHaveCount(0);
});

test("one click uses the current quantity", async ({ page }) => {
  await logIn(page, adminAccount());
  await open(page);
  await setStock(product.productId, 3);
  await onHand(page).fill("8");
  await page.getByRole("combobox", { name: "Reason" }).selectOption({ label: "Counted" });
  await save(page);
  await page.getByRole("button", { name: "Use 3" }).click();
  await expect(onHand(page)).toHaveValue("3");
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a change whose response was lost is not made twice", async ({ page }) => {
  await addFiveWithLostResponse(page);
  await expect(page.getByRole("spinbutton", { name: "Change by" })).toHaveValue("5");
  await save(page);
  await expect(page.getByText("The ledger below has the change.")).toBeVisible();
  await expect(ledger(page).getByRole("row").filter({ hasText: "+5" })).toHaveCount(1);
  await expect(page.locator(".figures dd").first()).toHaveText("12");
});

test("a change after a lost response is not mistaken for the one before", async ({ page }) => {
  await addFiveWithLostResponse(page);
  await page.getByRole("spinbutton", { name: "Change by" }).fill("6");
  await save(page);
  await expect(page.getByRole("alert")).toContainText("was saved after all");
  await expect(ledger(page).getByRole("row").nth(1)).toContainText("+5");
  await save(page);
  await expect(ledger(page).getByRole("row").nth(1)).toContainText("+6");
  await expect(page.locator(".figures dd").first()).toHaveText("18");
});

test("a missing reason shows an error at its field, and the typed values stay", async ({
  page,
}) => {
  await logIn(page, adminAccount());
  await open(page);
  await onHand(page).fill("8");
  await page.getByRole("textbox", { name: "Note" }).fill("second shelf");
  await save(page);
  await expect(page.getByRole("alert")).toHaveText("Please fill this in.");
  await expect(page.getByRole("combobox", { name: "Reason" })).toBeFocused();
  await expect(onHand(page)).toHaveValue("8");
  await expect(page.getByRole("textbox", { name: "Note" })).toHaveValue("second shelf");
});

test("without a connection nothing is saved, and an error message says so", async ({
  page,
  context,
}) => {
  await logIn(page, adminAccount());
  await open(page);
  await onHand(page).fill("8");
  await page.getByRole("combobox", { name: "Reason" }).selectOption({ label: "Counted" });
  await context.setOffline(true);
  await save(page);
  await expect(page.getByRole("alert")).toContainText("You are offline");
  await context.setOffline(false);
  await save(page);
  await expect(ledger(page).getByRole("row").nth(1)).toContainText("+1");
});

test("the threshold makes a product low on stock", async ({ page }) => {
  await logIn(page, adminAccount());
  await page.goto("/admin/inventory");
  await page.getByRole("searchbox", { name: "Search products" }).fill(product.name);
  await page.getByRole("checkbox", { name: "Low stock only" }).check();
  await expect(page.getByText("No products match")).toBeVisible();
  await open(page);
  await page.getByRole("spinbutton", { name: "Low at" }).fill("7");
  await page.getByRole("button", { name: "Set the threshold" }).click();
  await expect(page.getByRole("main").getByText("Low stock", { exact: true })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("checkbox", { name: "Low stock only" })).toBeChecked();
  await expect(page.getByRole("link", { name: product.name })).toBeVisible();
});

test("the list is paged in both directions, and going back finds the same page", async ({
  page,
}) => {
  await logIn(page, adminAccount());
  await page.goto("/admin/inventory");
  const first = page.getByRole("table", { name: "Stock" }).getByRole("link").first();
  const next = page.getByRole("button", { name: "Next page" });
  const previous = page.getByRole("button", { name: "Previous page" });
  const name = await first.textContent();
  await expect(previous).toBeDisabled();
  await next.click();
  await expect(first).not.toHaveText(name ?? "");
  const second = await first.textContent();
  await next.click();
  await expect(first).not.toHaveText(second ?? "");
  await previous.click();
  await expect(first).toHaveText(second ?? "");
  await first.click();
  await expect(ledger(page)).toBeVisible();
  await page.goBack();
  await expect(first).toHaveText(second ?? "");
  await previous.click();
  await expect(first).toHaveText(name ?? "");
  await expect(previous).toBeDisabled();
});

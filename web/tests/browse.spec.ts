import { expect, test } from "@playwright/test";
import { addProduct, archive, setStock } from "./store";

test("the storefront shows a page of products, and more on demand", async ({ page }) => {
  await page.goto("/");
  const names = page.getByRole("listitem").getByRole("link");
  await expect(names).toHaveCount(24);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(names).toHaveCount(48);
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  await expect(page.getByRole("main")).toHaveCount(1);
});

test("each call starts a new trace", async ({ page }) => {
  const traces: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST") traces.push(request.headers().traceparent ?? "none");
  });
  await page.goto("/");
  await expect(page.getByRole("combobox", { name: "Category" })).toContainText("Kitchen");
  expect(traces.length).toBeGreaterThanOrEqual(2);
  for (const trace of traces) expect(trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(new Set(traces).size).toBe(traces.length);
});

test("the search runs while typing and tolerates a typo", async ({ page }) => {
  await page.goto("/");
  await page
    .getByRole("searchbox", { name: "Search products" })
    .pressSequentially("cast iron skilet");
  await expect(page.getByRole("listitem").getByRole("link").first()).toHaveText(
    "Cast Iron Skillet 26 cm",
  );
  // The first words find it already.
  await expect(page).toHaveURL(/skilet/);
  await page.reload();
  await expect(page.getByRole("searchbox")).toHaveValue("cast iron skilet");
  await expect(page.getByRole("link", { name: "Cast Iron Skillet 26 cm" })).toBeVisible();
});

test("Enter searches at once, and an empty result says so", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("searchbox").fill("qqqqqqqq");
  await page.getByRole("searchbox").press("Enter");
  await expect(page.getByText("No products match")).toBeVisible();
  await page.getByRole("button", { name: "Show all products" }).click();
  await expect(page.getByRole("listitem").getByRole("link")).toHaveCount(24);
});

test("category, sort order and stock filter the list", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("combobox", { name: "Category" }).selectOption({ label: "Kitchen" });
  await page.getByRole("combobox", { name: "Sort" }).selectOption("price");
  await page.getByRole("checkbox", { name: "In stock only" }).check();
  await expect(page).toHaveURL(/category=kitchen.*sort=price.*in_stock/);
  const prices = page.locator(".card .price");
  await expect(page.locator(".card").filter({ hasText: "Soup Ladle" })).toHaveCount(0);
  await expect
    .poll(async () => {
      const shown = (await prices.allTextContents()).map((text) =>
        Number(text.replace(/[^\d.]/g, "")),
      );
      return (
        shown.length > 5 && shown.every((price, at) => at === 0 || price >= (shown[at - 1] ?? 0))
      );
    })
    .toBe(true);
});

test("the product page shows name, price, stock and description", async ({ page }) => {
  const product = await addProduct(3, 1234n);
  await page.goto(`/products/${product.slug}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(product.name);
  await expect(page.getByRole("status")).toHaveText("Low stock");
  await expect(page.getByRole("main")).toContainText("€1,234.00");
  await expect(page.getByRole("main")).toContainText("Made for a test.");
  await archive(product.productId);
});

test("an open product page follows the stock, but only while it is visible", async ({ page }) => {
  const product = await addProduct(20);
  const stock = page.getByRole("status");
  const opened = () => page.waitForRequest("**/WatchStock");
  const first = opened();
  await page.goto(`/products/${product.slug}`);
  const stream = await first;
  await expect(stock).toHaveText("In stock");
  await setStock(product.productId, 3);
  await expect(stock).toHaveText("Low stock");
  await setStock(product.productId, 0);
  await expect(stock).toHaveText("Out of stock");
  await expect(page.getByRole("button", { name: "Add to cart" })).toBeDisabled();

  const see = (state: string) =>
    page.evaluate((state) => {
      Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  const closed = page.waitForEvent("requestfailed", (request) => request === stream);
  await see("hidden");
  await closed;
  await setStock(product.productId, 20);
  const again = opened();
  await see("visible");
  await again;
  await expect(stock).toHaveText("In stock");
  await archive(product.productId);
  await expect(page.getByRole("heading", { name: "Product not found" })).toBeVisible();
});

test("a sold-out product cannot be added to the cart", async ({ page }) => {
  const product = await addProduct(0);
  await page.goto(`/products/${product.slug}`);
  await expect(page.getByRole("status")).toHaveText("Out of stock");
  await expect(page.getByRole("button", { name: "Add to cart" })).toBeDisabled();
  await archive(product.productId);
});

test("going back shows the list as it was left", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Show more" }).click();
  const names = page.getByRole("listitem").getByRole("link");
  await expect(names).toHaveCount(48);
  await names.nth(40).click();
  await expect(page).toHaveURL(/products/);
  await page.goBack();
  await expect(names).toHaveCount(48);
  await expect(names.nth(40)).toBeInViewport();
});

test("an unknown address shows a not-found page", async ({ page }) => {
  await page.goto("/no/such/page");
  await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
  await page.goto("/products/no-such-product");
  await expect(page.getByRole("heading", { name: "Product not found" })).toBeVisible();
});

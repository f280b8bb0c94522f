// What a person sees while a part of the store is down. They run after all other tests, because these
// use the same store.
import { expect, test } from "@playwright/test";
import {
  addProduct,
  addToCart,
  archive,
  type Customer,
  fillAddress,
  logIn,
  newCustomer,
  orderCount,
  placeOrder,
  setStock,
  signal,
  type TestProduct,
} from "./store";

let customer: Customer;
let product: TestProduct;

test.beforeEach(async ({ page }) => {
  [customer, product] = await Promise.all([newCustomer(), addProduct(20)]);
  await logIn(page, customer);
  await addToCart(page, product);
});

test.afterEach(() => archive(product.productId));

test("a restart of the gateway loses neither the session nor the order", async ({
  page,
  context,
}) => {
  const open = await context.newPage();
  await open.goto(`/products/${product.slug}`);
  await expect(open.getByRole("status")).toHaveText("In stock");
  await page.goto("/checkout");
  await fillAddress(page);
  await signal("gateway", "SIGKILL");
  await placeOrder(page).click();
  await expect(page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/, { timeout: 30_000 });
  await expect(page.getByRole("button", { name: "Cancel order" })).toBeVisible();
  expect(await orderCount(customer)).toBe(1);
  // The page that was open before follows the stock again.
  await setStock(product.productId, 2);
  await expect(open.getByRole("status")).toHaveText("Low stock", { timeout: 30_000 });
});

test("without Kafka the checkout works, and the mail is sent once Kafka is back", async ({
  page,
}) => {
  await page.goto("/checkout");
  await fillAddress(page);
  await signal("kafka", "SIGSTOP");
  try {
    await placeOrder(page).click();
    await expect(page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
    await expect(page.getByText("Mail on its way")).toBeVisible();
    await page.reload();
    await expect(page.getByText("Mail on its way")).toBeVisible();
  } finally {
    await signal("kafka", "SIGCONT");
  }
  await expect(page.getByText("Mail sent")).toBeVisible({ timeout: 45_000 });
});

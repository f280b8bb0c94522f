// What the pages show without data: no response, no connection.
import { expect, test } from "@playwright/test";
import {
  addProduct,
  addToCart,
  archive,
  fillAddress,
  logIn,
  newCustomer,
  placeOrder,
} from "./store";

const CALLS = "**/shopmesh.*/*";

test("every page reports that the shop cannot be reached, and can try again", async ({ page }) => {
  const product = await addProduct(20);
  await logIn(page, await newCustomer());
  await addToCart(page, product);
  await page.goto("/checkout");
  await fillAddress(page);
  await placeOrder(page).click();
  await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
  const order = new URL(page.url()).pathname;
  await addToCart(page, product);

  const pages = {
    "/": "1000-Piece Puzzle",
    [`/products/${product.slug}`]: "In stock",
    "/cart": product.name,
    "/orders": "Confirmed",
    [order]: "Shipping address",
    "/account": "Customer since",
  };
  for (const [path, content] of Object.entries(pages)) {
    await page.route(CALLS, (route) => route.abort());
    await page.goto(path);
    await expect(page.getByRole("alert").first()).toContainText("The shop cannot be reached");
    await page.unroute(CALLS);
    const again = page.getByRole("button", { name: "Try again" });
    await expect(async () => {
      if ((await again.count()) > 0) await again.first().click();
      await expect(page.getByRole("alert")).toHaveCount(0, { timeout: 1000 });
    }).toPass();
    await expect(page.getByRole("main")).toContainText(content);
  }
  await archive(product.productId);
});

test("a page says that it is loading", async ({ page }) => {
  await logIn(page, await newCustomer());
  await page.route(CALLS, () => new Promise(() => {}));
  for (const path of ["/orders", "/account"]) {
    await page.goto(path);
    await expect(page.getByText("Loading…").first()).toBeVisible();
  }
  for (const path of ["/", "/products/gooseneck-kettle"]) {
    await page.goto(path);
    await expect(page.locator(".skeleton").first()).toBeVisible();
  }
});

test("a page that was not loaded before opens once there is a connection", async ({
  page,
  context,
}) => {
  await page.route("**/assets/cart-*.js", (route) => route.abort());
  await page.goto("/");
  await context.setOffline(true);
  await expect(page.getByText("You are offline. This page may be out of date")).toBeVisible();
  await page.getByRole("link", { name: "Cart" }).click();
  await expect(page.getByRole("heading", { name: "You are offline" })).toBeVisible();
  await page.getByRole("link", { name: "Shopmesh" }).click();
  await expect(page.getByRole("heading", { name: "Good things" })).toBeVisible();
  await page.getByRole("link", { name: "Cart" }).click();
  await expect(page.getByRole("heading", { name: "You are offline" })).toBeVisible();
  await page.unroute("**/assets/cart-*.js");
  await context.setOffline(false);
  await expect(page.getByText("Your cart is empty")).toBeVisible();
});

test("a page opened by plain http asks for https and does not blame the network", async ({
  page,
  baseURL,
}) => {
  const insecure = new URL(baseURL ?? "");
  insecure.hostname = "insecure.example";
  await page.goto(insecure.href);
  await expect(page.getByText("The shop needs a secure connection")).toBeVisible();
  await page.goto(new URL("/login", insecure).href);
  await page.getByLabel("Email").fill("someone@shopmesh.example");
  await page.getByLabel("Password").fill("a long password");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("alert")).toContainText("starts with https://");
});

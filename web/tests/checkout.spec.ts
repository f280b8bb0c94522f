import { expect, type Locator, type Page, test } from "@playwright/test";
import {
  addProduct,
  addToCart,
  archive,
  type Customer,
  fillAddress,
  logIn,
  loseResponses,
  mailsTo,
  newCustomer,
  orderCount,
  PLACE_ORDER,
  placeOrder,
  setPrice,
  setStock,
  type TestProduct,
  tabTo,
  unique,
  withholdResponse,
} from "./store";

const ORDER = /\/orders\/[0-9a-f-]{36}$/;

let customer: Customer;
let product: TestProduct;

test.beforeEach(async () => {
  [customer, product] = await Promise.all([newCustomer(), addProduct(20)]);
});

test.afterEach(() => archive(product.productId));

test("a new customer places an order and gets a mail", async ({ page }) => {
  const email = `${unique("web")}@shopmesh.example`;
  await addToCart(page, product, 2);
  await page.getByRole("link", { name: "View the cart" }).click();
  await page.getByRole("link", { name: "Check out" }).click();
  await page.getByRole("link", { name: "Sign up" }).click();
  await page.getByRole("textbox", { name: "Email" }).fill(email);
  await page.getByRole("textbox", { name: "Display name" }).fill("Ada Byron");
  await page.getByLabel("Password").fill("a long password");
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page).toHaveURL(/checkout/);
  await fillAddress(page);
  await placeOrder(page).click();

  await expect(page).toHaveURL(ORDER);
  const short = page.url().split("/").at(-1)?.slice(0, 8) ?? "";
  await expect(page.getByRole("heading", { level: 1 })).toContainText(short);
  await expect(page.getByRole("main")).toContainText("€20.00");
  await expect(page.getByText("Mail sent")).toBeVisible({ timeout: 30_000 });
  await expect.poll(async () => (await mailsTo(email)).join()).toContain(short);

  await page.getByRole("link", { name: "Cart" }).click();
  await expect(page.getByText("Your cart is empty")).toBeVisible();
  await page.getByRole("link", { name: "Orders" }).click();
  await expect(page.getByRole("link", { name: short })).toHaveAttribute("href", /^\/orders\//);
});

test("a customer cancels an order, and its history shows it", async ({ page }) => {
  await startCheckout(page);
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  await page.getByRole("button", { name: "Cancel order" }).click();
  await expect(page.getByRole("button", { name: "Cancel order" })).toHaveCount(0);
  await expect(page.getByRole("region", { name: "History" })).toContainText("Cancelled");
});

test("an order can be placed with the keyboard alone", async ({ page }) => {
  await logIn(page, customer);
  await page.goto(`/products/${product.slug}`);
  const press = async (target: Locator) => {
    await tabTo(page, target);
    await page.keyboard.press("Enter");
  };
  await press(page.getByRole("button", { name: "Add to cart" }));
  await press(page.getByRole("link", { name: "View the cart" }));
  await press(page.getByRole("link", { name: "Check out" }));
  const fields = { "Full name": "Ada Byron", Street: "Long Lane 1", "Postal code": "EC1A 9HF" };
  for (const [name, text] of Object.entries({ ...fields, City: "London", Country: "United K" })) {
    await tabTo(page, page.getByLabel(name, { exact: true }));
    await page.keyboard.type(text);
  }
  await press(placeOrder(page));
  await expect(page).toHaveURL(ORDER);
  await expect(page.getByRole("region", { name: "Shipping address" })).toContainText(
    "United Kingdom",
  );
});

test("an open order page follows changes made elsewhere", async ({ page, context }) => {
  await startCheckout(page);
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  // A token that is rejected when the stream opens is renewed like any other.
  await page.route(
    "**/*.OrderService/WatchOrder",
    (route) =>
      route.continue({ headers: { ...route.request().headers(), authorization: "Bearer stale" } }),
    { times: 1 },
  );
  await page.reload();
  await expect(page.getByText("Confirmed").first()).toBeVisible();
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByRole("button", { name: "Cancel order" }).click();
  await expect(page.getByRole("region", { name: "History" })).toContainText("Cancelled");
  await expect(page.getByRole("button", { name: "Cancel order" })).toHaveCount(0);
});

test("a stream that ends because its token expired continues with a new token", async ({
  page,
}) => {
  await page.clock.install();
  await startCheckout(page);
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  // The server ends a stream without an error when the token expires.
  const trailers = Buffer.from("grpc-status: 0\r\n");
  const body = Buffer.concat([Buffer.from([0x80, 0, 0, 0, trailers.length]), trailers]);
  const ended = { contentType: "application/grpc-web+proto", body };
  await page.route("**/*.OrderService/WatchOrder", (route) => route.fulfill(ended), { times: 1 });
  await page.reload();
  await expect(page.getByText("Confirmed").first()).toBeVisible();
  const renewed = page.waitForResponse("**/*.UserService/RefreshSession");
  const opened = page.waitForResponse("**/*.OrderService/WatchOrder");
  await page.clock.fastForward("11:00");
  await renewed;
  await opened;
});

test("a double click on Place order places one order", async ({ page }) => {
  await startCheckout(page);
  await placeOrder(page).dblclick();
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
});

test("a reload during the checkout leads to the one order", async ({ page }) => {
  await startCheckout(page);
  const reached = withholdResponse(page, PLACE_ORDER);
  await placeOrder(page).click();
  await reached;
  await page.reload();
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
});

test("a call whose response was lost is retried", async ({ page }) => {
  await startCheckout(page);
  await page.route(
    PLACE_ORDER,
    async (route) => {
      await route.fetch();
      await route.abort("connectionreset");
    },
    { times: 2 },
  );
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
});

test("after leaving during the checkout every page offers to find out the outcome", async ({
  page,
}) => {
  await startCheckout(page);
  const reached = withholdResponse(page, PLACE_ORDER);
  await placeOrder(page).click();
  await reached;
  await page.goto("/");
  await page.getByRole("link", { name: "Check the order" }).click();
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
});

test("placing the order in two tabs at once places one order", async ({ page, context }) => {
  await startCheckout(page);
  const other = await context.newPage();
  await other.goto("/checkout");
  await expect(placeOrder(other)).toBeVisible();
  // If one tab is so fast that the other has left the page, there is nothing to press.
  const presses = [page, other].map((tab) => placeOrder(tab).click({ timeout: 5000 }));
  await Promise.allSettled(presses);
  await expect(page).toHaveURL(ORDER);
  await expect(other).toHaveURL(ORDER);
  expect(other.url()).toBe(page.url());
  expect(await orderCount(customer)).toBe(1);
});

test("going back after an order does not offer to place it again", async ({ page }) => {
  await startCheckout(page);
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  await page.goBack();
  await page.goto("/checkout");
  await expect(page.getByText("Your cart is empty")).toBeVisible();
  expect(await orderCount(customer)).toBe(1);
});

test("a change of the cart after a lost response does not hide the order", async ({ page }) => {
  await startCheckout(page);
  const reached = withholdResponse(page, PLACE_ORDER);
  await placeOrder(page).click();
  await reached;
  await page.goto("/cart");
  await page.getByRole("spinbutton", { name: `Quantity of ${product.name}` }).fill("3");
  await page.getByRole("spinbutton", { name: `Quantity of ${product.name}` }).blur();
  await page.getByRole("link", { name: "Check out" }).click();
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
  await page.getByRole("link", { name: "Cart" }).click();
  await expect(page.getByRole("spinbutton", { name: "Quantity of" })).toHaveValue("2");
});

test("a change of the address after lost responses does not place a second order", async ({
  page,
}) => {
  await startCheckout(page);
  await loseResponses(page, PLACE_ORDER);
  await placeOrder(page).click();
  await expect(page.getByRole("alert")).toContainText("do not know yet", { timeout: 40_000 });
  await page.unroute(PLACE_ORDER);
  await page.getByRole("textbox", { name: "City" }).fill("Oxford");
  let attempts = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/PlaceOrder")) attempts += 1;
  });
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  // The new address was rejected, because the id belongs to the first request; that was sent again.
  expect(attempts).toBe(2);
  await expect(page.getByRole("region", { name: "Shipping address" })).toContainText("London");
  expect(await orderCount(customer)).toBe(1);
});

test("a product that sells out during the checkout is removed with one click", async ({ page }) => {
  const rest = await addProduct(5);
  await addToCart(page, rest);
  await startCheckout(page);
  await setStock(product.productId, 0);
  await placeOrder(page).click();
  await expect(page.getByRole("alert")).toContainText(`${product.name} is sold out.`);
  await page.getByRole("button", { name: "Accept and change my cart" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  await expect(page.getByRole("main")).toContainText(rest.name);
  await archive(rest.productId);
});

test("if fewer are available than ordered, the available quantity is offered", async ({ page }) => {
  await logIn(page, customer);
  await addToCart(page, product, 9);
  await page.goto("/checkout");
  await fillAddress(page);
  await setStock(product.productId, 4);
  await placeOrder(page).click();
  await expect(page.getByRole("alert")).toContainText("only 4 left, not 9");
  await page.getByRole("button", { name: "Accept and change my cart" }).click();
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  await expect(page.getByRole("main")).toContainText("€40.00");
});

test("a changed price is shown before an order is placed", async ({ page }) => {
  await startCheckout(page);
  await setPrice(product.productId, 12n);
  await placeOrder(page).click();
  await expect(page.getByRole("alert")).toContainText("costs €12.00 now, it was €10.00");
  expect(await orderCount(customer)).toBe(0);
  await page.getByRole("button", { name: "Accept and change my cart" }).click();
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  await expect(page.getByRole("main")).toContainText("€12.00");
});

test("an incomplete address shows an error at each missing field", async ({ page }) => {
  await logIn(page, customer);
  await addToCart(page, product);
  await page.goto("/checkout");
  await page.getByRole("textbox", { name: "City" }).fill("London");
  await placeOrder(page).click();
  await expect(page.getByRole("alert")).toHaveCount(3);
  await expect(page.getByRole("textbox", { name: "City" })).toHaveValue("London");
});

test("the cart survives a reload and is the same in a second tab", async ({ page, context }) => {
  await addToCart(page, product, 2);
  await page.goto("/cart");
  await page.reload();
  const quantity = (of: typeof page) =>
    of.getByRole("spinbutton", { name: `Quantity of ${product.name}` });
  await expect(quantity(page)).toHaveValue("2");
  const other = await context.newPage();
  await other.goto("/cart");
  await quantity(other).fill("5");
  await quantity(other).blur();
  await expect(quantity(page)).toHaveValue("5");
  await other.getByRole("button", { name: `Remove ${product.name}` }).click();
  await expect(page.getByText("Your cart is empty")).toBeVisible();
});

test("an order is placed as soon as there is a connection again", async ({ page, context }) => {
  await startCheckout(page);
  await context.setOffline(true);
  await expect(page.getByText("You are offline. This page may be out of date")).toBeVisible();
  await placeOrder(page).click();
  await expect(page.getByText("We try again as soon as there is a connection")).toBeVisible();
  await context.setOffline(false);
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
});

async function startCheckout(page: Page): Promise<void> {
  await logIn(page, customer);
  await addToCart(page, product);
  await page.goto("/checkout");
  await fillAddress(page);
}

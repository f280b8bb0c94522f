import { expect, type Locator, type Page, test } from "@playwright/test";
import {
  addProduct,
  archive,
  type Customer,
  fillAddress,
  logIn,
  mailsTo,
  newCustomer,
  orderCount,
  PLACE,
  placeOrder,
  putInCart,
  setPrice,
  setStock,
  type TestProduct,
  tabTo,
  unique,
} from "./store";

const ORDER = /\/orders\/[0-9a-f-]{36}$/;

let customer: Customer;
let product: TestProduct;

test.beforeEach(async () => {
  [customer, product] = await Promise.all([newCustomer(), addProduct(20)]);
});

test.afterEach(() => archive(product.productId));

test("from sign-up to the order and its mail", async ({ page }) => {
  const email = `${unique("web")}@shopmesh.example`;
  await putInCart(page, product, 2);
  await page.getByRole("link", { name: "Look at the cart" }).click();
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

test("an order can be cancelled, and its history tells it", async ({ page }) => {
  await readyToPlace(page);
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  await page.getByRole("button", { name: "Cancel order" }).click();
  await expect(page.getByRole("button", { name: "Cancel order" })).toHaveCount(0);
  await expect(page.getByRole("region", { name: "History" })).toContainText("Cancelled");
});

test("an order can be made by keyboard alone", async ({ page }) => {
  await logIn(page, customer);
  await page.goto(`/products/${product.slug}`);
  const press = async (target: Locator) => {
    await tabTo(page, target);
    await page.keyboard.press("Enter");
  };
  await press(page.getByRole("button", { name: "Add to cart" }));
  await press(page.getByRole("link", { name: "Look at the cart" }));
  await press(page.getByRole("link", { name: "Check out" }));
  const fields = { "Full name": "Ada Byron", Street: "Long Lane 1", "Postal code": "EC1A 9HF" };
  for (const [name, text] of Object.entries({ ...fields, City: "London", Country: "United K" })) {
    await tabTo(page, page.getByLabel(name, { exact: true }));
    await page.keyboard.type(text);
  }
  await press(placeOrder(page));
  await expect(page).toHaveURL(ORDER);
  await expect(page.getByRole("region", { name: "Where it goes" })).toContainText("United Kingdom");
});

test("an open order page follows what is done to the order elsewhere", async ({
  page,
  context,
}) => {
  await readyToPlace(page);
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  // A token that is refused when the stream opens is renewed like any other.
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

test("a stream that ends with its token goes on with a fresh one", async ({ page }) => {
  await page.clock.install();
  await readyToPlace(page);
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  // It ends as at the token's end: no message, and trailers that say OK.
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

test("a double click on Place makes one order", async ({ page }) => {
  await readyToPlace(page);
  await placeOrder(page).dblclick();
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
});

test("a reload during Place ends at the one order", async ({ page }) => {
  await readyToPlace(page);
  const reached = swallowOneAnswer(page);
  await placeOrder(page).click();
  await reached;
  await page.reload();
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
});

test("an answer that is lost is asked for again", async ({ page }) => {
  await readyToPlace(page);
  await page.route(
    PLACE,
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

test("who leaves during Place is told on every page and learns the outcome", async ({ page }) => {
  await readyToPlace(page);
  const reached = swallowOneAnswer(page);
  await placeOrder(page).click();
  await reached;
  await page.goto("/");
  await page.getByRole("link", { name: "See what became of it" }).click();
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
});

test("placing in two tabs at once makes one order", async ({ page, context }) => {
  await readyToPlace(page);
  const other = await context.newPage();
  await other.goto("/checkout");
  await expect(placeOrder(other)).toBeVisible();
  // Where one was so quick that the other tab has left already, there is nothing to press.
  const presses = [page, other].map((tab) => placeOrder(tab).click({ timeout: 5000 }));
  await Promise.allSettled(presses);
  await expect(page).toHaveURL(ORDER);
  await expect(other).toHaveURL(ORDER);
  expect(other.url()).toBe(page.url());
  expect(await orderCount(customer)).toBe(1);
});

test("going back after an order does not lead to Place again", async ({ page }) => {
  await readyToPlace(page);
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  await page.goBack();
  await page.goto("/checkout");
  await expect(page.getByText("Your cart is empty")).toBeVisible();
  expect(await orderCount(customer)).toBe(1);
});

test("a cart that changed after a lost answer does not hide the order it became", async ({
  page,
}) => {
  await readyToPlace(page);
  const reached = swallowOneAnswer(page);
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

test("an address changed after lost answers does not make a second order", async ({ page }) => {
  await readyToPlace(page);
  await page.route(PLACE, async (route) => {
    await route.fetch();
    await route.abort("connectionreset");
  });
  await placeOrder(page).click();
  await expect(page.getByRole("alert")).toContainText("do not know yet", { timeout: 40_000 });
  await page.unroute(PLACE);
  await page.getByRole("textbox", { name: "City" }).fill("Oxford");
  let attempts = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/PlaceOrder")) attempts += 1;
  });
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  // The new address was refused by the id, and the first one asked about.
  expect(attempts).toBe(2);
  await expect(page.getByRole("region", { name: "Where it goes" })).toContainText("London");
  expect(await orderCount(customer)).toBe(1);
});

test("what sells out between cart and Place is told, and one click takes it", async ({ page }) => {
  const rest = await addProduct(5);
  await putInCart(page, rest);
  await readyToPlace(page);
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

test("where fewer are left than asked, the number that is left is offered", async ({ page }) => {
  await logIn(page, customer);
  await putInCart(page, product, 9);
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

test("a price that moved is shown before anything is bought", async ({ page }) => {
  await readyToPlace(page);
  await setPrice(product.productId, 12n);
  await placeOrder(page).click();
  await expect(page.getByRole("alert")).toContainText("costs €12.00 now, it was €10.00");
  expect(await orderCount(customer)).toBe(0);
  await page.getByRole("button", { name: "Accept and change my cart" }).click();
  await placeOrder(page).click();
  await expect(page).toHaveURL(ORDER);
  await expect(page.getByRole("main")).toContainText("€12.00");
});

test("an address that is not whole is told field by field", async ({ page }) => {
  await logIn(page, customer);
  await putInCart(page, product);
  await page.goto("/checkout");
  await page.getByRole("textbox", { name: "City" }).fill("London");
  await placeOrder(page).click();
  await expect(page.getByRole("alert")).toHaveCount(3);
  await expect(page.getByRole("textbox", { name: "City" })).toHaveValue("London");
});

test("the cart survives a reload and is the same in a second tab", async ({ page, context }) => {
  await putInCart(page, product, 2);
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

test("offline is said, and Place goes on once there is a connection", async ({ page, context }) => {
  await readyToPlace(page);
  await context.setOffline(true);
  await expect(page.getByText("You are offline. What you see may be old")).toBeVisible();
  await placeOrder(page).click();
  await expect(page.getByText("We ask again as soon as there is a connection")).toBeVisible();
  await context.setOffline(false);
  await expect(page).toHaveURL(ORDER);
  expect(await orderCount(customer)).toBe(1);
});

async function readyToPlace(page: Page): Promise<void> {
  await logIn(page, customer);
  await putInCart(page, product);
  await page.goto("/checkout");
  await fillAddress(page);
}

/** The next call of PlaceOrder reaches the store, and its answer nobody. */
function swallowOneAnswer(page: Page): Promise<void> {
  return new Promise((reached) => {
    page.route(
      PLACE,
      async (route) => {
        await route.fetch();
        reached();
      },
      { times: 1 },
    );
  });
}

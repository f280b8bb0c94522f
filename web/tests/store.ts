// What the tests do with the store without a browser: as an admin, as a customer and in the mailbox;
// and the steps of a page that several tests share.
import { readFile } from "node:fs/promises";
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { expect, type Locator, type Page } from "@playwright/test";
import { OrderService } from "../src/gen/shopmesh/order/v1/order_service_pb";
import {
  InventoryReason,
  InventoryService,
} from "../src/gen/shopmesh/product/v1/inventory_service_pb";
import { ProductService } from "../src/gen/shopmesh/product/v1/product_service_pb";
import { UserService } from "../src/gen/shopmesh/user/v1/user_service_pb";

function setting(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: run the tests by make test, or source .devstack/env`);
  return value;
}

function transport(token?: string) {
  const authorize: Interceptor = (next) => (request) => {
    if (token) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return createGrpcWebTransport({ baseUrl: setting("GATEWAY_URL"), interceptors: [authorize] });
}

export async function asUser(account: Customer) {
  const users = createClient(UserService, transport());
  return transport((await users.login(account)).accessToken);
}

/** The first admin of the store. */
export const adminAccount = (): Customer => ({
  email: setting("ADMIN_EMAIL"),
  password: setting("ADMIN_PASSWORD"),
});

export const admin = () => asUser(adminAccount());

let counter = 0;
/** Returns an unused name of two words; a search finds it by either. */
export function unique(word: string): string {
  counter += 1;
  const parts = [process.pid, Date.now(), counter].map((number) => number.toString(36));
  return `${word}-u${parts.join("z")}`;
}

export interface TestProduct {
  productId: string;
  slug: string;
  name: string;
}

/** Creates a product with a stock. */
export async function addProduct(onHand: number, euros = 10n): Promise<TestProduct> {
  const asAdmin = await admin();
  const slug = unique("test");
  const name = `Thing ${slug}`;
  const { product } = await createClient(ProductService, asAdmin).createProduct({
    product: {
      slug,
      name,
      sku: slug,
      category: "office",
      description: "Made for a test.",
      price: { currencyCode: "EUR", units: euros, nanos: 0 },
    },
  });
  if (!product) throw new Error("no product");
  if (onHand > 0) await setStock(product.productId, onHand);
  return { productId: product.productId, slug, name };
}

export async function setStock(productId: string, onHand: number): Promise<void> {
  await createClient(InventoryService, await admin()).updateInventory({
    productId,
    change: { case: "setOnHand", value: onHand },
    reason: InventoryReason.COUNTED,
    requestId: crypto.randomUUID(),
  });
}

export async function setPrice(productId: string, euros: bigint): Promise<void> {
  await createClient(ProductService, await admin()).updateProduct({
    product: { productId, price: { currencyCode: "EUR", units: euros, nanos: 0 } },
    updateMask: { paths: ["price"] },
  });
}

/** Takes a product off sale, so that the storefront shows only the demo products again. */
export async function archive(productId: string): Promise<void> {
  await createClient(ProductService, await admin()).archiveProduct({ productId });
}

export interface Customer {
  email: string;
  password: string;
}

export async function newCustomer(host = "shopmesh.example"): Promise<Customer> {
  const customer = { email: `${unique("web")}@${host}`, password: "a long password" };
  const users = createClient(UserService, transport());
  await users.signUp({ ...customer, displayName: "Ada Byron" });
  return customer;
}

/** Sends a signal to a part of the store; devstack starts it again if it exits. */
export async function signal(part: "gateway" | "kafka", name: NodeJS.Signals): Promise<void> {
  const processId = await readFile(`${setting("DEVSTACK_DIR")}/run/${part}`, "utf8");
  // The part is the leader of its process group.
  process.kill(-Number.parseInt(processId, 10), name);
}

/** Places orders one after the other, and returns their ids. */
export async function placeOrders(
  customer: Customer,
  { productId }: TestProduct,
  quantities: number[],
): Promise<string[]> {
  const orders = createClient(OrderService, await asUser(customer));
  const orderIds: string[] = [];
  for (const quantity of quantities) {
    const { order } = await orders.placeOrder({
      requestId: crypto.randomUUID(),
      items: [{ productId, quantity }],
      shippingAddress: {
        fullName: "Ada Byron",
        street: "Long Lane 1",
        city: "London",
        postalCode: "EC1A 9HF",
        countryCode: "GB",
      },
    });
    orderIds.push(order?.orderId ?? "");
  }
  return orderIds;
}

/** Returns the number of orders of an account. */
export async function orderCount(customer: Customer): Promise<number> {
  const orders = createClient(OrderService, await asUser(customer));
  return (await orders.listOrders({ pageSize: 100 })).orders.length;
}

interface Mail {
  subject: string;
  text: string;
  to: { address: string }[];
}

/** Returns the mails to an address, the oldest first. */
async function mails(email: string): Promise<Mail[]> {
  const all: Mail[] = await (await fetch(`${setting("MAILBOX_URL")}/email`)).json();
  return all.filter(({ to }) => to.some(({ address }) => address === email));
}

/** Returns the subjects of the mails to an address. */
export async function mailsTo(email: string): Promise<string[]> {
  return (await mails(email)).map(({ subject }) => subject);
}

/** Waits for a mail with a link to `path`, and returns path and hash of the newest one. */
export async function mailedLink(email: string, path: string): Promise<string> {
  const link = async () => {
    const links = (await mails(email)).flatMap(({ text }) => text.match(/https?:\S+/g) ?? []);
    return links.filter((link) => new URL(link).pathname === path).at(-1);
  };
  await expect.poll(link, { timeout: 30_000 }).toBeDefined();
  const { pathname, hash } = new URL((await link()) ?? "");
  return pathname + hash;
}

export async function logIn(page: Page, account: Customer): Promise<void> {
  await page.goto("/login");
  await submitLogin(page, account);
  await expect(page).not.toHaveURL(/login/);
}

/** Fills in the open login page and submits it. */
export async function submitLogin(page: Page, { email, password }: Customer): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

export async function addToCart(page: Page, { slug }: TestProduct, quantity = 1): Promise<void> {
  await page.goto(`/products/${slug}`);
  await page.getByRole("spinbutton", { name: "Quantity" }).fill(String(quantity));
  await page.getByRole("button", { name: "Add to cart" }).click();
  await expect(page.getByText("Added to your cart.")).toBeVisible();
}

export async function fillAddress(page: Page): Promise<void> {
  await page.getByRole("textbox", { name: "Full name" }).fill("Ada Byron");
  await page.getByRole("textbox", { name: "Street" }).fill("Long Lane 1");
  await page.getByRole("textbox", { name: "City" }).fill("London");
  await page.getByRole("textbox", { name: "Postal code" }).fill("EC1A 9HF");
  await page.getByRole("combobox", { name: "Country" }).selectOption("GB");
}

/** Presses Tab until `target` has the focus. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("Tab never reaches the target");
}

export const PLACE_ORDER = "**/shopmesh.order.v1.OrderService/PlaceOrder";
export const placeOrder = (page: Page) => page.getByRole("button", { name: "Place order" });

/** The next calls reach the store, but their responses are lost: all calls, unless `times` is given. */
export async function loseResponses(page: Page, url: string, times?: number): Promise<void> {
  await page.route(
    url,
    async (route) => {
      await route.fetch();
      await route.abort("connectionreset");
    },
    times === undefined ? {} : { times },
  );
}

/** The next call reaches the store, but never gets a response. Resolves when the store has it. */
export function withholdResponse(page: Page, url: string): Promise<void> {
  return new Promise((reached) => {
    page.route(
      url,
      async (route) => {
        await route.fetch();
        reached();
      },
      { times: 1 },
    );
  });
}

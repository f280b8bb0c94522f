// Takes a picture of every page, light and dark, on a desktop and a phone. The pictures of the README
// go to docs/screenshots, all others to screenshots/.
import { fileURLToPath } from "node:url";
import { expect, type Page, test } from "@playwright/test";
import { type Customer, fillAddress, logIn, newCustomer, placeOrder } from "./store";

const ALL = fileURLToPath(new URL("../screenshots/", import.meta.url));
const README = fileURLToPath(new URL("../../docs/screenshots/", import.meta.url));
/** The pictures of the README, by page, scheme and device. */
const IN_README = [
  "home-light-desktop",
  "product-dark-desktop",
  "checkout-light-desktop",
  "home-dark-phone",
  "product-light-phone",
  "order-light-phone",
  "admin-overview-light-desktop",
];

const DEVICES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

type TakePicture = (name: string) => Promise<void>;

for (const colorScheme of ["light", "dark"] as const) {
  for (const [device, settings] of Object.entries(DEVICES)) {
    test.describe(`${colorScheme}, ${device}`, () => {
      test.use({ colorScheme, ...settings });

      const pictureOf =
        (page: Page): TakePicture =>
        async (name) => {
          const file = `${name}-${colorScheme}-${device}`;
          const inReadme = IN_README.includes(file);
          await waitUntilLoaded(page);
          await page.screenshot({
            path: `${inReadme ? README : ALL}${file}.png`,
            fullPage: !inReadme,
            animations: "disabled",
          });
        };

      test("every page of the storefront", async ({ page }) => {
        test.setTimeout(120_000);
        await picturePublicPages(page, pictureOf(page));
        await pictureNewAccount(page, pictureOf(page));
        await pictureCheckout(page, pictureOf(page));
      });

      test("every page of the admin", async ({ page }) => {
        test.setTimeout(120_000);
        await pictureAdminPages(page, pictureOf(page));
      });
    });
  }
}

async function picturePublicPages(page: Page, picture: TakePicture): Promise<void> {
  await page.goto("/");
  await picture("home");
  await page.goto("/?q=nothingofthatkind");
  await picture("home-empty");
  await page.goto("/products/gooseneck-kettle");
  await page.getByRole("spinbutton", { name: "Quantity" }).fill("2");
  await page.getByRole("button", { name: "Add to cart" }).click();
  await picture("product");
  await page.goto("/products/none-such");
  await picture("product-none");
  await page.goto("/cart");
  await picture("cart");
  await page.goto("/login");
  await picture("login");
  await page.goto("/signup");
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByRole("alert")).toHaveCount(3);
  await picture("signup-errors");
  await page.goto("/reset-password");
  await picture("reset-password");
  await page.goto("/reset-password#token=x");
  await picture("reset-password-set");
  await page.goto("/verify-email#token=x");
  await picture("verify-email");
  await page.getByRole("button", { name: "Verify address" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await picture("verify-email-void");
}

async function pictureNewAccount(page: Page, picture: TakePicture): Promise<void> {
  await logIn(page, await newCustomer());
  await page.goto("/orders");
  await picture("orders-empty");
  await page.goto("/account");
  await page.getByRole("button", { name: "Change it" }).click();
  await picture("account-password");
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("link", { name: "Log in" })).toBeVisible();
}

async function pictureCheckout(page: Page, picture: TakePicture): Promise<void> {
  await logIn(page, demoAccount("CUSTOMER"));
  await page.goto("/checkout");
  await fillAddress(page);
  await picture("checkout");
  await placeOrder(page).click();
  await expect(page.getByText("Mail sent")).toBeVisible({ timeout: 30_000 });
  await picture("order");
  await page.goto("/cart");
  await picture("cart-empty");
  await page.goto("/orders");
  await picture("orders");
  await page.goto("/account");
  await picture("account");
  await page.goto("/admin");
  await picture("not-allowed");
  await page.goto("/no/such/page");
  await picture("not-found");
}

async function pictureAdminPages(page: Page, picture: TakePicture): Promise<void> {
  await logIn(page, demoAccount("ADMIN"));
  for (const name of ["inventory", "orders", "analytics", "notifications", "customers", "audit"]) {
    await page.goto(`/admin/${name}`);
    await picture(`admin-${name}`);
  }
  await page.goto("/admin/inventory?q=kettle");
  await page.getByRole("link", { name: "Gooseneck Kettle" }).click();
  await picture("admin-stock");
  await page.goto(page.url().replace("inventory", "products"));
  await picture("admin-product");
  for (const name of ["new", "import"]) {
    await page.goto(`/admin/products/${name}`);
    await picture(`admin-product-${name}`);
  }
  await page.goto("/admin/orders");
  await page.getByRole("table").getByRole("link").first().click();
  await picture("admin-order");
  await page.goto("/admin");
  await picture("admin-overview");
}

/** Returns an account that every new store has. */
function demoAccount(role: "ADMIN" | "CUSTOMER"): Customer {
  const { [`${role}_EMAIL`]: email = "", [`${role}_PASSWORD`]: password = "" } = process.env;
  return { email, password };
}

async function waitUntilLoaded(page: Page): Promise<void> {
  await expect(page.locator(".skeleton, .loading, [aria-busy=true]")).toHaveCount(0);
  await page.evaluate(() =>
    Promise.all(
      [...document.images].map((image) => {
        image.loading = "eager";
        return image.decode();
      }),
    ),
  );
}

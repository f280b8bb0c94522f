// What holds of every page: nothing that the Content-Security-Policy refuses, and nothing serious
// that axe finds, in light and dark.

import { expect, type Page, test } from "@playwright/test";
import axe from "axe-core";
import {
  addProduct,
  archive,
  fillAddress,
  logIn,
  newCustomer,
  placeOrder,
  putInCart,
} from "./shop";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    // axe is put into the page by the test; the policy is watched all the same.
    test.use({ colorScheme });

    test("no page breaks the policy of the gateway or a rule of axe", async ({ page }) => {
      test.setTimeout(120_000);
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("request", (request) => {
        if (!request.url().startsWith(new URL(page.url()).origin) && page.url() !== "about:blank") {
          complaints.push(`asks another host: ${request.url()}`);
        }
      });
      const product = await addProduct(3);

      for (const path of ["/", `/products/${product.slug}`, "/login", "/signup", "/nothing/here"]) {
        const answer = await page.goto(path);
        expect(answer?.headers()["content-security-policy"]).toContain("default-src 'self'");
        await settled(page);
        await expectNothingSerious(page, path);
      }
      await logIn(page, await newCustomer());
      await putInCart(page, product);
      for (const path of ["/cart", "/checkout", "/orders", "/account"]) {
        await page.goto(path);
        await settled(page);
        await expectNothingSerious(page, path);
      }
      await page.goto("/checkout");
      await fillAddress(page);
      await placeOrder(page).click();
      await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
      await expectNothingSerious(page, "/orders/<order_id>");

      expect(complaints).toEqual([]);
      await archive(product.productId);
    });
  });
}

async function settled(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  await expect(page.locator(".skeleton, .loading")).toHaveCount(0);
}

async function expectNothingSerious(page: Page, path: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run(),
  );
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(
    serious.map(({ id, nodes }) => `${path}: ${id}: ${nodes.map(({ html }) => html).join(" ")}`),
  ).toEqual([]);
}

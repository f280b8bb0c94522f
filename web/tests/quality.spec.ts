// What holds of every page: nothing that the Content-Security-Policy refuses, and nothing serious
// that axe finds, in light and dark.

import { expect, test } from "@playwright/test";
import { complaintsOf, expectNothingSerious, settled } from "./axe";
import {
  addProduct,
  archive,
  fillAddress,
  logIn,
  newCustomer,
  placeOrder,
  putInCart,
} from "./store";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    // axe is put into the page by the test; the policy is watched all the same.
    test.use({ colorScheme });

    test("no page breaks the policy of the gateway or a rule of axe", async ({ page }) => {
      test.setTimeout(120_000);
      const complaints = complaintsOf(page);
      const product = await addProduct(3);

      const open = [
        "/",
        `/products/${product.slug}`,
        "/cart",
        "/login",
        "/signup",
        "/nothing/here",
      ];
      const mailed = ["/reset-password#token=x", "/verify-email", "/reset-password"];
      for (const path of [...open, ...mailed]) {
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

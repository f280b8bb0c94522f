// Every page respects the Content-Security-Policy and has no serious accessibility problem.
import { expect, test } from "@playwright/test";
import { collectProblems, expectAccessible, waitUntilLoaded } from "./axe";
import {
  addProduct,
  addToCart,
  archive,
  fillAddress,
  logIn,
  newCustomer,
  placeOrder,
} from "./store";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    // The test injects axe; violations of the policy are still reported.
    test.use({ colorScheme });

    test("no page violates the Content-Security-Policy or a rule of axe", async ({ page }) => {
      test.setTimeout(120_000);
      const problems = collectProblems(page);
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
        await waitUntilLoaded(page);
        await expectAccessible(page, path);
      }
      await logIn(page, await newCustomer());
      await addToCart(page, product);
      for (const path of ["/cart", "/checkout", "/orders", "/account"]) {
        await page.goto(path);
        await waitUntilLoaded(page);
        await expectAccessible(page, path);
      }
      await page.goto("/checkout");
      await fillAddress(page);
      await placeOrder(page).click();
      await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
      await expectAccessible(page, "/orders/<order_id>");

      expect(problems).toEqual([]);
      await archive(product.productId);
    });
  });
}

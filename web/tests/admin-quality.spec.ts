// Every admin page respects the Content-Security-Policy and has no serious accessibility problem.
import { expect, test } from "@playwright/test";
import { collectProblems, expectAccessible, waitUntilLoaded } from "./axe";
import { addProduct, adminAccount, archive, logIn, newCustomer, placeOrders } from "./store";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });

    test("no admin page violates the Content-Security-Policy or a rule of axe", async ({
      page,
    }) => {
      test.setTimeout(120_000);
      const problems = collectProblems(page);
      const [customer, product] = await Promise.all([newCustomer(), addProduct(5)]);
      const [orderId] = await placeOrders(customer, product, [1]);
      await logIn(page, adminAccount());
      for (const path of [
        "/admin",
        "/admin/inventory",
        `/admin/inventory/${product.productId}`,
        "/admin/products/new",
        "/admin/products/import",
        `/admin/products/${product.productId}`,
        "/admin/orders",
        "/admin/orders?email=nobody@shopmesh.example",
        `/admin/orders/${orderId}`,
        "/admin/analytics",
        "/admin/notifications",
        "/admin/customers",
        "/admin/audit",
        "/admin/audit?actor=nobody",
        "/admin/nothing",
      ]) {
        await page.goto(path);
        await waitUntilLoaded(page);
        await expectAccessible(page, path);
      }
      await page.goto("/admin/notifications");
      await page.getByRole("button", { name: "Attempts" }).first().click();
      await expect(page.locator(".attempts code").first()).toBeVisible();
      await expectAccessible(page, "attempts of a mail");
      await page.goto(`/admin/inventory/${product.productId}`);
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await expectAccessible(page, "a form with an error");
      expect(problems.filter((text) => !text.includes("400 (Bad Request)"))).toEqual([]);
      await archive(product.productId);
    });
  });
}

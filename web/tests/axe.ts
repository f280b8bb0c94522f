// What is wrong with a page by itself: what its policy refuses, what it throws, what axe finds.
import { expect, type Page } from "@playwright/test";
import axe from "axe-core";

/** Gathers, from now on, every error of the page and every call of another host. */
export function complaintsOf(page: Page): string[] {
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
  return complaints;
}

export async function settled(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  await expect(page.locator(".skeleton, .loading")).toHaveCount(0);
}

export async function expectNothingSerious(page: Page, path: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run(),
  );
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(
    serious.map(({ id, nodes }) => `${path}: ${id}: ${nodes.map(({ html }) => html).join(" ")}`),
  ).toEqual([]);
}

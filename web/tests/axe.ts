// Problems of a page: errors, violations of its policy, calls to other hosts, and what axe finds.
import { expect, type Page } from "@playwright/test";
import axe from "axe-core";

/** Collects, from now on, every error of the page and every call to another host. */
export function collectProblems(page: Page): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(page.url()).origin) && page.url() !== "about:blank") {
      problems.push(`calls another host: ${request.url()}`);
    }
  });
  return problems;
}

export async function waitUntilLoaded(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  await expect(page.locator(".skeleton, .loading")).toHaveCount(0);
}

export async function expectAccessible(page: Page, path: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run(),
  );
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(
    serious.map(({ id, nodes }) => `${path}: ${id}: ${nodes.map(({ html }) => html).join(" ")}`),
  ).toEqual([]);
}

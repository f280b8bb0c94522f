// Runs Lighthouse over every page of the storefront, as a customer with a slow phone. Prints the scores,
// and fails if one is below 95. Arguments are the paths to run, instead of all. It needs a running store;
// see README.md.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "@playwright/test";

const SCORE_MIN = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices"];
const { GATEWAY_URL, CUSTOMER_EMAIL, CUSTOMER_PASSWORD } = process.env;

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const port = await freePort();
const profile = await mkdtemp(join(tmpdir(), "lighthouse-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--headless=new", "--disable-gpu", `--remote-debugging-port=${port}`],
});

const wanted = process.argv.slice(2);

async function audit(path) {
  if (wanted.length > 0 && !wanted.includes(path)) return;
  const { stdout } = await promisify(execFile)(
    "lighthouse",
    [
      `${GATEWAY_URL}${path}`,
      `--port=${port}`,
      `--only-categories=${CATEGORIES}`,
      // Keeps the session and the cart.
      "--disable-storage-reset",
      "--output=json",
      "--quiet",
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const { categories, audits } = JSON.parse(stdout);
  const scores = CATEGORIES.map((name) => Math.round(100 * categories[name].score));
  const paints = ["first-contentful-paint", "largest-contentful-paint"].map(
    (name) => audits[name].displayValue,
  );
  process.stdout.write(`${[path.slice(0, 30).padEnd(30), ...scores, ...paints].join("  ")}\n`);
  // The audits that cost points.
  const counted = CATEGORIES.flatMap((name) => categories[name].auditRefs);
  for (const { id } of counted.filter(({ weight }) => weight > 0)) {
    const { title, score, displayValue = "" } = audits[id];
    if (score !== null && score < 0.9) process.stdout.write(`  ${title}: ${displayValue}\n`);
  }
  if (scores.some((score) => score < SCORE_MIN)) process.exitCode = 1;
}

try {
  process.stdout.write(`${"".padEnd(30)}  ${CATEGORIES.join(", ")}, first and largest paint\n`);
  for (const path of ["/", "/products/gooseneck-kettle", "/login", "/signup", "/reset-password"]) {
    await audit(path);
  }
  const [page] = browser.pages();
  await page.goto(`${GATEWAY_URL}/login`);
  await page.getByLabel("Email").fill(CUSTOMER_EMAIL);
  await page.getByLabel("Password").fill(CUSTOMER_PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("link", { name: "Orders" }).waitFor();
  await page.goto(`${GATEWAY_URL}/products/gooseneck-kettle`);
  await page.getByRole("button", { name: "Add to cart" }).click();
  for (const path of ["/", "/cart", "/checkout"]) await audit(path);

  await page.goto(`${GATEWAY_URL}/checkout`);
  for (const name of ["Full name", "Street", "City", "Postal code"]) {
    await page.getByLabel(name).fill("20457");
  }
  await page.getByRole("button", { name: "Place order" }).click();
  await page.waitForURL("**/orders/*");
  for (const path of ["/orders", new URL(page.url()).pathname, "/account"]) await audit(path);
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}

// The tests need a running store: `make test` starts one; `.devstack/env` has the settings of another.
import { defineConfig } from "@playwright/test";

const OUTAGES = "outages.spec.ts";

export default defineConfig({
  testDir: "tests",
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  projects: [
    { name: "pages", testMatch: "*.spec.ts", testIgnore: OUTAGES },
    // They stop parts of the store, so no other test runs at the same time.
    { name: "outages", testMatch: OUTAGES, dependencies: ["pages"], workers: 1 },
    // One after the other, because the admin pages show what the storefront did before.
    { name: "screenshots", testMatch: "*.shots.ts", workers: 1 },
  ],
  use: {
    baseURL: process.env.GATEWAY_URL ?? "http://127.0.0.1:8080",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 900 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--headless=new",
        "--disable-gpu",
        // A name of this machine that is not localhost, so that plain HTTP is not a secure context.
        "--host-resolver-rules=MAP insecure.example 127.0.0.1",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
});

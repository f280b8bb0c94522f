// Run against a store that is up: `make test` brings one, `.devstack/env` tells of another.
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
    // They take parts of the store away, so nothing else runs beside them.
    { name: "outages", testMatch: OUTAGES, dependencies: ["pages"], workers: 1 },
    // The admin's pages show what was done in the shop before.
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
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
});

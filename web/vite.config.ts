import { defineConfig } from "vite";
import solid from "vite-plugin-solid";

export default defineConfig({
  plugins: [solid()],
  build: {
    target: "es2022",
    // The Content-Security-Policy allows only files of our own host, and no data: URLs.
    assetsInlineLimit: 0,
    // scripts/budget.js reads from it which script imports which.
    manifest: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  // For `npm run dev`, which needs a running store.
  server: {
    proxy: {
      "^/(shopmesh\\.|images/)": {
        target: process.env.GATEWAY_URL ?? "http://127.0.0.1:8080",
        // The gateway accepts the session cookie only from pages of its own host.
        changeOrigin: false,
      },
    },
  },
});

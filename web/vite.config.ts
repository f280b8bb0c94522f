import { defineConfig } from "vite";
import solid from "vite-plugin-solid";

export default defineConfig({
  plugins: [solid()],
  build: {
    target: "es2022",
    // The Content-Security-Policy allows files of the own host only, no data: URLs.
    assetsInlineLimit: 0,
    // Says to the budget what imports what.
    manifest: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  // `npm run dev` beside a store that runs.
  server: {
    proxy: {
      "^/(shopmesh\\.|images/)": {
        target: process.env.GATEWAY_URL ?? "http://127.0.0.1:8080",
        // The gateway takes a session's cookie only from pages of its own host.
        changeOrigin: false,
      },
    },
  },
});

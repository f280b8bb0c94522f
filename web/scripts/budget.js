// Fails if the first load of the storefront has more script than a cheap phone should fetch: what
// index.html names, the client that renews a session, and all that these import.
import { readFile, stat } from "node:fs/promises";

const BUDGET_BYTES = 75 * 1024;
const SESSION_CLIENT = "auth-client";
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(await readFile(new URL(".vite/manifest.json", dist), "utf8"));

const sessionClient = Object.keys(manifest).find((key) => manifest[key].name === SESSION_CLIENT);
const waiting = ["index.html", sessionClient];
const seen = new Set();
let bytes = 0;
while (waiting.length > 0) {
  const key = waiting.pop();
  if (seen.has(key)) continue;
  seen.add(key);
  const { file, imports = [] } = manifest[key];
  bytes += (await stat(new URL(`${file}.br`, dist))).size;
  waiting.push(...imports);
}

process.stdout.write(
  `first load: ${seen.size} scripts, ${bytes} bytes of ${BUDGET_BYTES} (brotli)\n`,
);
if (bytes > BUDGET_BYTES) {
  process.stderr.write("budget: the first load is over its budget\n");
  process.exitCode = 1;
}

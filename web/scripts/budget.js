// Fails where the first load of the storefront has more script than a cheap phone should fetch: all
// that index.html names, and what those files import without being asked.
import { readFile, stat } from "node:fs/promises";

const BUDGET_BYTES = 75 * 1024;
const dist = new URL("../dist/", import.meta.url);

const html = await readFile(new URL("index.html", dist), "utf8");
const waiting = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(
  (match) => match[1],
);
const scripts = new Set();
while (waiting.length > 0) {
  const name = waiting.pop();
  if (scripts.has(name)) continue;
  scripts.add(name);
  const text = await readFile(new URL(name, dist), "utf8");
  for (const [, file] of text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+\.js)"/g)) {
    waiting.push(`assets/${file}`);
  }
}

let bytes = 0;
for (const name of scripts) bytes += (await stat(new URL(`${name}.br`, dist))).size;
const line = `first load: ${scripts.size} scripts, ${bytes} bytes of ${BUDGET_BYTES} (brotli)`;
process.stdout.write(`${line}\n`);
if (scripts.size === 0 || bytes > BUDGET_BYTES) {
  process.stderr.write("budget: the first load is over its budget, or names no script\n");
  process.exitCode = 1;
}

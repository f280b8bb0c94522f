// Writes a .br and a .gz beside every text file of dist. The gateway serves them unchanged.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TEXT = /\.(html|js|css|svg|json|txt)$/;
const dist = new URL("../dist/", import.meta.url);

const brotli = (bytes) =>
  promisify(brotliCompress)(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
const deflate = (bytes) => promisify(gzip)(bytes, { level: 9 });

for (const name of await readdir(dist, { recursive: true })) {
  if (!TEXT.test(name)) continue;
  const bytes = await readFile(new URL(name, dist));
  await writeFile(new URL(`${name}.br`, dist), await brotli(bytes));
  await writeFile(new URL(`${name}.gz`, dist), await deflate(bytes));
}

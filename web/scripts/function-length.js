// Fails if a function has more than LINES_MAX lines, from its first to its last one. Biome's
// noExcessiveLinesPerFunction does not count the lines of JSX, which are most of a component.
// With --all: prints every function of more than half that, the longest first.
import { readdir, readFile } from "node:fs/promises";
import { parseSync, Visitor } from "vite";

const LINES_MAX = 70;
const FOLDERS = ["src", "tests", "scripts"];
const root = new URL("../", import.meta.url);

async function sources() {
  const lists = await Promise.all(
    FOLDERS.map(async (folder) => {
      const names = await readdir(new URL(folder, root), { recursive: true });
      return names.map((name) => `${folder}/${name}`);
    }),
  );
  return lists.flat().filter((path) => /\.(tsx?|js)$/.test(path) && !path.startsWith("src/gen/"));
}

async function functionsOf(path) {
  const text = await readFile(new URL(path, root), "utf8");
  const lineAt = (offset) => text.slice(0, offset).split("\n").length;
  const found = [];
  const record = ({ start, end }) => {
    const [first, last] = [lineAt(start), lineAt(end)];
    found.push({ place: `${path}:${first}`, lines: last - first + 1 });
  };
  new Visitor({
    FunctionDeclaration: record,
    FunctionExpression: record,
    ArrowFunctionExpression: record,
  }).visit(parseSync(path, text).program);
  return found;
}

const functions = (await Promise.all((await sources()).map(functionsOf))).flat();
functions.sort((one, other) => other.lines - one.lines);

if (process.argv.includes("--all")) {
  for (const { place, lines } of functions) {
    if (lines > LINES_MAX / 2) process.stdout.write(`${lines} ${place}\n`);
  }
}
const tooLong = functions.filter(({ lines }) => lines > LINES_MAX);
for (const { place, lines } of tooLong) {
  process.stderr.write(`${place}: the function has ${lines} lines, the maximum is ${LINES_MAX}\n`);
}
if (tooLong.length > 0) process.exitCode = 1;

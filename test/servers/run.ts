/**
 * npm run test:servers [-- NAME…]
 *
 * Installs each server into the user's cache and runs the matrix on it. With all servers, it writes the table of
 * docs/servers.md from the outcomes. Exit code 1 if a check is wrong: it neither works nor says what is missing.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { matrix } from "./matrix.js";
import { type Outcome, outcomes } from "./run-matrix.js";
import { type ServerName, servers } from "./spark-servers.js";

const names = (process.argv.length > 2 ? process.argv.slice(2) : Object.keys(servers)) as ServerName[];
const found = new Map<ServerName, Map<string, Outcome>>();
for (const name of names) {
  const kind = servers[name];
  if (!kind)
    throw new Error(`Unknown server ${JSON.stringify(name)}. Known servers: ${Object.keys(servers).join(", ")}.`);
  console.log(`\n${kind.title}`);
  const seen = await outcomes(kind, matrix, ({ title }, outcome) => {
    const said =
      outcome.kind === "works"
        ? (outcome.note ?? "")
        : outcome.kind === "says"
          ? outcome.message
          : outcome.error.message;
    console.log(
      `  ${{ works: "✔", says: "–", fails: "✘" }[outcome.kind]} ${title}${said && `: ${said.split("\n")[0]}`}`,
    );
  });
  found.set(name, seen);
}
if ([...found.values()].some((seen) => [...seen.values()].some(({ kind }) => kind === "fails"))) process.exitCode = 1;
if (names.length === Object.keys(servers).length) writeTable();

function writeTable(): void {
  const page = new URL("../../docs/servers.md", import.meta.url);
  const [begin, end] = ["<!-- matrix -->", "<!-- /matrix -->"];
  const header = ["", ...names.map((name) => servers[name].title)];
  const lines = matrix.map(({ title }) => [title, ...names.map((name) => cell(found.get(name)!.get(title)!))]);
  const rows = [header, header.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`);
  const text = readFileSync(page, "utf8");
  const table = [begin, ...rows, end].join("\n");
  writeFileSync(
    page,
    text.replace(new RegExp(`${begin}.*${end}`, "s"), () => table),
  );
}

function cell(outcome: Outcome): string {
  if (outcome.kind === "works") return outcome.note ? `yes: ${outcome.note}` : "yes";
  return outcome.kind === "says" ? "no" : "**wrong**";
}

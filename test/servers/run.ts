/**
 * npm run test:servers [-- NAME…]
 *
 * Installs each server into the user's cache, runs the matrix on it, and writes the table of docs/servers.md from what it
 * saw. Exit code 1 if anything is wrong: neither works, nor says what is missing.
 */
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

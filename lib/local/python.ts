import { SparkStreamError } from "../errors.js";
import { runCommand } from "./run-command.js";

export interface Python {
  readonly command: string;
  /** "3.12" */
  readonly version: string;
}

/** The oldest Python that Spark 4.3's Python package runs on (its Requires-Python): 3.OLDEST_MINOR. */
const OLDEST_MINOR = 11;
const NEWEST_MINOR = 14;

/** "3.11" */
export const OLDEST_PYTHON = `3.${OLDEST_MINOR}`;

const NAMES = ["python3"];
for (let minor = NEWEST_MINOR; minor >= OLDEST_MINOR; minor--) NAMES.push(`python3.${minor}`);

// On Debian and Ubuntu ensurepip is a separate package, and without it `venv` makes an environment without pip.
const QUESTION = `
import sys
print("%d.%d" % sys.version_info[:2])
try:
    import venv, ensurepip
except ImportError as error:
    print(error.name)
`;

/**
 * Finds the first Python on PATH that can make a virtual environment for Spark.
 *
 * @throws SparkStreamError PYTHON_NOT_FOUND
 */
export async function findPython(env: NodeJS.ProcessEnv = process.env, signal?: AbortSignal): Promise<Python> {
  const complaints: string[] = [];
  for (const command of NAMES) {
    const answer = await runCommand(command, ["-I", "-c", QUESTION], { env, signal });
    if (answer === undefined) continue;
    const [version = "", missing] = answer.stdout.trim().split("\n");
    const [major, minor] = version.split(".").map(Number);
    if (answer.status !== 0 || major !== 3 || minor === undefined) {
      complaints.push(
        `${command} does not run (${answer.stderr.trim().split("\n").at(-1) || `exit code ${answer.status}`})`,
      );
    } else if (minor < OLDEST_MINOR) {
      complaints.push(`${command} on PATH is Python ${version}, but Spark needs ${OLDEST_PYTHON} or later`);
    } else if (missing) {
      complaints.push(`${command} on PATH is Python ${version}, but lacks its module ${missing}`);
    } else {
      return { command, version };
    }
  }
  const message =
    `${complaints[0] ?? "There is no python3 on PATH"}. Installing a local Spark needs Python ${OLDEST_PYTHON} or later and its venv module: install them ` +
    "(Debian, Ubuntu: apt install python3 python3-venv; Fedora: dnf install python3; macOS: brew install python), " +
    "or set SPARK_HOME to your own Spark 4, or connect to a server's sc:// URL.";
  throw new SparkStreamError("PYTHON_NOT_FOUND", message);
}

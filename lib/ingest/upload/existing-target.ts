/** What is known of the target before anything is sent to it, where Spark itself would look at it only after all was sent. */
import type { Schema } from "apache-arrow";
import type { SparkSession } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import type { SparkWriterOptions, WriteTarget } from "../../write-options.js";

/**
 * @returns false if Spark would write nothing: mode "ignore", and the target exists
 * @throws SparkStreamError QUERY_FAILED if Spark would refuse to write to a target that exists; SCHEMA_MISMATCH for a column that
 *   the table lacks
 */
export async function isWanted(
  session: SparkSession,
  target: WriteTarget,
  mode: NonNullable<SparkWriterOptions["mode"]>,
  schema: Schema,
  run: RunOptions,
): Promise<boolean> {
  if (mode === "overwrite" || (mode === "append" && target.table === undefined)) return true;
  if (!(await exists(session, target, run))) return true;
  if (mode === "ignore") return false;
  if (mode === "append") await checkColumns(session, target.table!, schema, run);
  else throw alreadyThere(target);
  return true;
}

async function exists(session: SparkSession, { table, path }: WriteTarget, run: RunOptions): Promise<boolean> {
  if (table !== undefined) {
    return (await session.catalog.tableExists(table, run)) && !(await isTemporaryView(session, table, run));
  }
  try {
    // Without their columns the files are listed, and not read. Some servers find no files where Spark finds no path.
    return !(await session.read.format("binaryFile").load(path!).isEmpty(run));
  } catch (error) {
    if (error instanceof SparkStreamError && error.code === "QUERY_FAILED") return false;
    throw error;
  }
}

/** A table is written beside a temporary view of its name. */
async function isTemporaryView(session: SparkSession, name: string, run: RunOptions): Promise<boolean> {
  if (name.includes(".")) return false;
  const plain = name.replace(/^`|`$/g, "").toLowerCase();
  const tables = await session.catalog.listTables(undefined, run);
  return tables.some((table) => table.isTemporary && table.name.toLowerCase() === plain);
}

async function checkColumns(session: SparkSession, table: string, schema: Schema, run: RunOptions): Promise<void> {
  const columns = await session.table(table).columns(run);
  const known = new Set(columns.map((name) => name.toLowerCase()));
  const extra = schema.fields.find(({ name }) => !known.has(String(name).toLowerCase()));
  if (!extra) return;
  const message = `The table ${table} has no column \`${extra.name}\`: it has ${columns.map((name) => `\`${name}\``).join(", ")}. Nothing was sent. Columns are matched by name; leave it out, or add it with ALTER TABLE.`;
  throw new SparkStreamError("SCHEMA_MISMATCH", message);
}

function alreadyThere({ table, path }: WriteTarget): SparkStreamError {
  const [what, errorClass] =
    table !== undefined
      ? [`The table ${table}`, "TABLE_OR_VIEW_ALREADY_EXISTS"]
      : [`The path ${path}`, "PATH_ALREADY_EXISTS"];
  const message = `${what} exists already. Nothing was sent. Pass mode: "append", "overwrite" or "ignore".`;
  return new SparkStreamError("QUERY_FAILED", message, { errorClass });
}

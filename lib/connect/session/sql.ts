import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { SharedRun } from "../../runtime/shared-run.js";
import type { SparkConnectClient } from "../rpc/spark-connect-client.js";
import type { PlanSource, RelationInit } from "./plan.js";
import { literals, type SqlText, sqlRelation } from "./relations.js";

/**
 * What may stand before the first word, as Spark reads it: white space; a comment to the end of the line, or of a later one
 * if a backslash ends the line; a comment in brackets. One with another in it is left alone, and so taken for a command.
 */
const SKIPPED = /\s+|--(?:\\\n|[^\n\r])*|\/\*(?:(?!\/\*)[\s\S])*?\*\//y;
const WORD = /^(?:\(|\w+)/;

/** Statements beginning so can only be queries. After WITH and FROM an INSERT may follow. */
const QUERY = new Set(["SELECT", "VALUES", "TABLE", "("]);

/**
 * The plan of SQL text. A server runs a command that it finds in a relation every time it looks at it, also to find out
 * its schema. So a statement that may be a command is sent as one, once, and the answer is the relation from then on. A
 * query needs no such round trip.
 *
 * A command runs once however it ends: one that was interrupted, because nobody waited for it any more, may have done its
 * work.
 */
export function sqlPlan(client: SqlClient, text: SqlText): PlanSource {
  const word = firstWord(text.query);
  if (word !== undefined && QUERY.has(word)) {
    return async (options) => sqlRelation(text, await asLiterals(client, text, options), options);
  }
  const command = new SharedRun((options) => runCommand(client, text, options));
  return (options) => command.wait(options);
}

type SqlClient = Pick<SparkConnectClient, "command" | "version">;

/** Whether parameters go into the fields of Spark 3.5. A server that knows both forms refuses to get both. */
async function asLiterals(
  client: SqlClient,
  { named, positional, frames }: SqlText,
  { signal }: RunOptions,
): Promise<boolean> {
  if (!named && !positional && !frames) return false;
  return Number.parseInt(await client.version({ signal }), 10) < 4;
}

function firstWord(query: string): string | undefined {
  return WORD.exec(statementText(query))?.[0].toUpperCase();
}

/** The text from its first word on. */
export function statementText(query: string): string {
  let position = 0;
  for (SKIPPED.lastIndex = 0; SKIPPED.test(query); position = SKIPPED.lastIndex);
  return query.slice(position);
}

async function runCommand(
  client: SqlClient,
  text: SqlText,
  options: RunOptions & { signal: AbortSignal },
): Promise<RelationInit> {
  const before4 = await asLiterals(client, text, options);
  const relation = await sqlRelation(text, before4, options);
  // Servers before 4.0 do not know `input`, and read the text; Sail reads the text if there is one.
  const hasParameters = text.named !== undefined || text.positional !== undefined;
  const asText =
    before4 || !(hasParameters || text.frames) ? { sql: text.query, ...literals(text.named, text.positional) } : {};
  const value = { input: relation, ...asText };
  const command = { commandType: { case: "sqlCommand" as const, value } };
  try {
    for (const { responseType } of await client.command({ opType: { case: "command", value: command } }, options)) {
      if (responseType.case === "sqlCommandResult" && responseType.value.relation) return responseType.value.relation;
    }
  } catch (error) {
    if (!options.signal.aborted) throw error;
    const message =
      "The command was interrupted because the last call that waited for it was aborted; its effects up to then are not undone. " +
      "Call spark.sql() again to rerun it.";
    throw new SparkStreamError("OPERATION_CANCELED", message, { cause: error });
  }
  return relation;
}

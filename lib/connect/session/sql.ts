import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { SharedRun } from "../../runtime/shared-run.js";
import type { SparkConnectClient } from "../rpc/spark-connect-client.js";
import type { PlanSource, RelationInit } from "./plan.js";
import type { SqlRelation } from "./relations.js";

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
 * its schema. So what may be a command is sent as one, once, and the answer is the relation from then on. A query needs
 * no such round trip.
 *
 * It runs once however it ends: a command that was interrupted since nobody waited for it any more may have done its work.
 */
export function sqlPlan(client: SparkConnectClient, relType: SqlRelation): PlanSource {
  const relation: RelationInit = { relType };
  const word = firstWord(relType.value.query ?? "");
  if (word !== undefined && QUERY.has(word)) return async () => relation;
  const command = new SharedRun((options) => runCommand(client, relType, options));
  return (options) => command.wait(options);
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
  client: SparkConnectClient,
  relType: SqlRelation,
  options: RunOptions & { signal: AbortSignal },
): Promise<RelationInit> {
  const relation: RelationInit = { relType };
  const { query: sql, args, posArgs } = relType.value;
  // Servers before 4.0 do not know `input`, and read the others; later ones read it alone.
  const value = { input: relation, sql, ...(args && { args }), ...(posArgs && { posArgs }) };
  const command = { commandType: { case: "sqlCommand" as const, value } };
  try {
    for (const { responseType } of await client.command({ opType: { case: "command", value: command } }, options)) {
      if (responseType.case === "sqlCommandResult" && responseType.value.relation) return responseType.value.relation;
    }
  } catch (error) {
    if (!options.signal.aborted) throw error;
    const message =
      "The command was interrupted, since the last call that waited for it was aborted; what it did until then is done. " +
      "Make it again with spark.sql() to run it again.";
    throw new SparkStreamError("OPERATION_CANCELED", message, { cause: error });
  }
  return relation;
}

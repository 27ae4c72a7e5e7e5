import type { Client } from "./client.js";
import type { PlanSource, RelationInit } from "./plan.js";

/** White space and comments, then the first word. */
const FIRST_WORD = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(\(|\w+)/;

/** Statements beginning so can only be queries. WITH and FROM cannot tell: an INSERT may follow. */
const QUERY = new Set(["SELECT", "VALUES", "TABLE", "("]);

/**
 * The plan of SQL text. A server runs a command that it finds in a relation every time it looks at it, also to find out
 * its schema. So what may be a command is sent as one, once, and the answer is the relation from then on. A query needs
 * no such round trip.
 */
export function sqlPlan(client: Client, query: string, relation: RelationInit): PlanSource {
  const word = FIRST_WORD.exec(query)?.[1]?.toUpperCase();
  if (word !== undefined && QUERY.has(word)) return async () => relation;
  let result: Promise<RelationInit> | undefined;
  return () => {
    result ??= runCommand(client, relation);
    return result;
  };
}

async function runCommand(client: Client, relation: RelationInit): Promise<RelationInit> {
  const command = { commandType: { case: "sqlCommand" as const, value: { input: relation } } };
  for (const { responseType } of await client.command({ opType: { case: "command", value: command } })) {
    if (responseType.case === "sqlCommandResult" && responseType.value.relation) return responseType.value.relation;
  }
  return relation;
}

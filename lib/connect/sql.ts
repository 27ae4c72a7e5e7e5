import type { Client } from "./client.js";
import type { PlanSource, RelationInit } from "./plan.js";

/**
 * What may stand before the first word, as Spark reads it: white space; a comment to the end of the line, or of a later one
 * where a backslash ends the line; a comment in brackets. One with another in it is left alone, and so taken for a command.
 */
const SKIPPED = /\s+|--(?:\\\n|[^\n\r])*|\/\*(?:(?!\/\*)[\s\S])*?\*\//y;
const WORD = /^(?:\(|\w+)/;

/** Statements beginning so can only be queries. WITH and FROM cannot tell: an INSERT may follow. */
const QUERY = new Set(["SELECT", "VALUES", "TABLE", "("]);

/**
 * The plan of SQL text. A server runs a command that it finds in a relation every time it looks at it, also to find out
 * its schema. So what may be a command is sent as one, once, and the answer is the relation from then on. A query needs
 * no such round trip.
 */
export function sqlPlan(client: Client, query: string, relation: RelationInit): PlanSource {
  const word = firstWord(query);
  if (word !== undefined && QUERY.has(word)) return async () => relation;
  let result: Promise<RelationInit> | undefined;
  return () => {
    result ??= runCommand(client, relation);
    return result;
  };
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

async function runCommand(client: Client, relation: RelationInit): Promise<RelationInit> {
  const command = { commandType: { case: "sqlCommand" as const, value: { input: relation } } };
  for (const { responseType } of await client.command({ opType: { case: "command", value: command } })) {
    if (responseType.case === "sqlCommandResult" && responseType.value.relation) return responseType.value.relation;
  }
  return relation;
}

/**
 * What createDataFrame() takes, as the relation of a DataFrame. In: row objects, or record batches, and perhaps a schema.
 * Out: a relation, made at its first use and then kept; what was given is let go then.
 *
 * Memory: what is in memory already, and that of uploaded-relation.ts.
 */
import { type Field, RecordBatch, Schema, Table } from "apache-arrow";
import { columnsOf } from "../../arrow/batch-check.js";
import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import {
  checkArgument,
  checkOptions,
  isFilled,
  isObject,
  type OptionTable,
  type Rule,
} from "../../runtime/check-options.js";
import { SharedRun } from "../../runtime/shared-run.js";
import type { SparkConnectClient } from "../rpc/spark-connect-client.js";
import { arrowSchema } from "../session/arrow-schema.js";
import type { PlanSource, RelationInit } from "../session/plan.js";
import { ArrowRows } from "./arrow-rows.js";
import type { LocalRows } from "./local-rows.js";
import { checkedRow, inferredFields, ObjectRows } from "./object-rows.js";
import { sparkSchema } from "./spark-schema.js";
import { relationOf } from "./uploaded-relation.js";

/** What a DataFrame can be made of: record batches of apache-arrow, or row objects. */
export type LocalData = Table | RecordBatch | Iterable<RecordBatch> | Iterable<object>;

export interface CreateDataFrameOptions {
  /**
   * The columns: an apache-arrow Schema, or Spark's own text, such as `"id BIGINT, name STRING NOT NULL"`, which the server
   * reads. Default: those of the record batches; for row objects the types that all rows together have.
   */
  schema?: Schema | string;
}

const options: OptionTable<CreateDataFrameOptions> = {
  schema: [
    (schema) => isFilled(schema) || schema instanceof Schema,
    'an apache-arrow Schema, or a text such as "id BIGINT, name STRING"',
  ],
};

function isIterable(value: unknown): boolean {
  return (
    isObject(value) &&
    !ArrayBuffer.isView(value) &&
    typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === "function"
  );
}

const localData: Rule = [
  (data) => data instanceof Table || data instanceof RecordBatch || (isIterable(data) && !(data instanceof Map)),
  "a Table, a RecordBatch, or an array of record batches or of row objects",
];

/**
 * @internal
 * @throws SparkStreamError INVALID_ARGUMENT; UNSUPPORTED_TYPE and SCHEMA_MISMATCH for record batches, unless Spark has to
 *   read the schema first
 */
export function createdRelation(
  client: SparkConnectClient,
  data: LocalData,
  given: CreateDataFrameOptions,
): PlanSource {
  checkArgument("createDataFrame()", "data", data, localData);
  checkOptions("createDataFrame()", given, options);
  const { schema } = given;
  const items = itemsOf(data);
  if (isObjects(items) && items.objects.length === 0 && schema === undefined) {
    const message = "createDataFrame() needs at least one row or record batch, which may be empty, or a schema.";
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  const wanted = schema instanceof Schema ? sparkSchema(schema.fields) : undefined;
  // What can be refused at the call is refused there.
  let source: LocalRows | Items | undefined =
    isObjects(items) || typeof schema === "string" ? items : new ArrowRows(items.batches, items.fields, wanted);

  let run: SharedRun<RelationInit> | undefined;
  return async (runOptions) => {
    run ??= new SharedRun(async ({ signal }) => {
      const columns = typeof schema === "string" ? await parsedSchema(client, schema, { signal }) : wanted;
      const rows = "parts" in source! ? source : await rowsOf(source!, columns, signal);
      const relation = await relationOf(client, rows, signal);
      source = undefined; // the rows are on the server, or in the relation
      return relation;
    });
    const mine = run;
    try {
      return await mine.wait(runOptions);
    } catch (error) {
      // The next use tries again.
      if (run === mine && (mine.abandoned || !runOptions.signal?.aborted)) run = undefined;
      throw error;
    }
  };
}

type Items =
  | { readonly batches: readonly RecordBatch[]; readonly fields: readonly Field[] }
  | { readonly objects: readonly object[] };

function isObjects(items: Items): items is { readonly objects: readonly object[] } {
  return "objects" in items;
}

/** Rows that are looked at during the call. */
const FIRST_ROWS = 10_000;

/** What was given, in arrays that nobody else changes. */
function itemsOf(data: LocalData): Items {
  if (data instanceof Table) {
    const [first] = data.batches;
    return { batches: [...data.batches], fields: first ? columnsOf(first) : data.schema.fields };
  }
  if (data instanceof RecordBatch) return { batches: [data], fields: columnsOf(data) };
  // slice() copies an array at once, Array.from() one by one.
  const objects: readonly object[] = Array.isArray(data) ? data.slice() : Array.from(data);
  const [first] = objects;
  if (!(first instanceof RecordBatch)) {
    // Each row is checked when it is read; the mistakes of most callers are in the first ones.
    const wrong = objects
      .slice(0, FIRST_ROWS)
      .findIndex((item) => typeof item !== "object" || item === null || Array.isArray(item));
    if (wrong >= 0) checkedRow(objects[wrong], wrong);
    return { objects };
  }
  const batches = objects.map((item, index) => {
    if (item instanceof RecordBatch) return item;
    const message = `The first item of createDataFrame()'s data is a record batch, and item ${index} is none. Give either record batches or row objects.`;
    throw new SparkStreamError("INVALID_INPUT", message);
  });
  return { batches, fields: columnsOf(first) };
}

async function rowsOf(items: Items, schema: Schema | undefined, signal: AbortSignal | undefined): Promise<LocalRows> {
  if (!isObjects(items)) return new ArrowRows(items.batches, items.fields, schema);
  if (schema) return new ObjectRows(items.objects, schema, true);
  return new ObjectRows(items.objects, sparkSchema(await inferredFields(items.objects, signal)), false);
}

async function parsedSchema(client: SparkConnectClient, ddl: string, runOptions: RunOptions): Promise<Schema> {
  const { parsed } = await client.analyze({ case: "ddlParse", value: { ddlString: ddl } }, runOptions);
  if (parsed?.kind.case !== "struct") {
    const message = `The schema ${JSON.stringify(ddl)} is one type, and not columns with names. Write it as "name TYPE, …".`;
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  return sparkSchema(arrowSchema(parsed, { timeZone: "UTC", largeVarTypes: false }).fields);
}

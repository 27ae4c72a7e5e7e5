/** `spark.catalog`: what there is to query, with PySpark's names. Each question is a relation whose rows are the answer. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { checkRunOptions, type RunOptions, runOptions } from "../../runtime/call-options.js";
import { checkArgument, checkOptions, filled, type OptionTable } from "../../runtime/check-options.js";
import type { CatalogSchema } from "../generated/spark-connect_pb.js";

/** A table, or a view. */
export interface CatalogTable {
  readonly name: string;
  /** null for a temporary view, as is its namespace. */
  readonly catalog: string | null;
  readonly namespace: readonly string[] | null;
  readonly description: string | null;
  /** "MANAGED", "EXTERNAL", "VIEW", "TEMPORARY", …; null if Spark cannot read the table. */
  readonly tableType: string | null;
  readonly isTemporary: boolean;
}

export interface CatalogDatabase {
  readonly name: string;
  readonly catalog: string | null;
  readonly description: string | null;
  readonly locationUri: string;
}

/** A column of a table or view. */
export interface CatalogColumn {
  readonly name: string;
  readonly description: string | null;
  /** As in CREATE TABLE: "bigint", "array<string>". */
  readonly dataType: string;
  readonly nullable: boolean;
  readonly isPartition: boolean;
  readonly isBucket: boolean;
}

/** A catalog, such as that of Iceberg or Spark's own, `spark_catalog`. */
export interface CatalogMetadata {
  readonly name: string;
  readonly description: string | null;
}

/** Which of a list are wanted. */
export interface ListOptions extends RunOptions {
  /** As in SHOW TABLES: `*` for any characters, `|` between alternatives. */
  pattern?: string;
}

const listOptions: OptionTable<ListOptions> = { ...runOptions, pattern: filled };

type CatalogType = NonNullable<MessageInitShape<typeof CatalogSchema>["catType"]>;
/** @internal */
export type Question = Exclude<CatalogType, { case: undefined }>;

/** Resolves to the rows of the answer. */
type Ask = <T>(question: Question, options: RunOptions) => Promise<T[]>;

/**
 * The catalog of a session: `await spark.catalog.listTables("sales")`. Names are as in SQL: a table's may have its database
 * before it, and a name with special characters is quoted with {@link col}.
 *
 * All methods throw SparkStreamError: INVALID_ARGUMENT, QUERY_FAILED for what is not there, UNAVAILABLE and the like.
 */
export class Catalog {
  readonly #ask: Ask;
  readonly #run: (question: Question, options: RunOptions) => Promise<void>;

  /** @internal Use `spark.catalog`. */
  constructor(ask: Ask, run: (question: Question, options: RunOptions) => Promise<void>) {
    this.#ask = ask;
    this.#run = run;
  }

  /** The name of the catalog that names without one belong to. */
  async currentCatalog(options: RunOptions = {}): Promise<string> {
    return await this.#value("currentCatalog()", { case: "currentCatalog", value: {} }, options);
  }

  async setCurrentCatalog(catalog: string, options: RunOptions = {}): Promise<void> {
    checkArgument("setCurrentCatalog()", "catalog", catalog, filled);
    await this.#change("setCurrentCatalog()", { case: "setCurrentCatalog", value: { catalogName: catalog } }, options);
  }

  /** The catalogs that have been used in this session. */
  async listCatalogs(options: ListOptions = {}): Promise<CatalogMetadata[]> {
    return await this.#list("listCatalogs()", (pattern) => ({ case: "listCatalogs", value: pattern }), options);
  }

  /** The name of the database that names without one belong to. */
  async currentDatabase(options: RunOptions = {}): Promise<string> {
    return await this.#value("currentDatabase()", { case: "currentDatabase", value: {} }, options);
  }

  async setCurrentDatabase(database: string, options: RunOptions = {}): Promise<void> {
    checkArgument("setCurrentDatabase()", "database", database, filled);
    await this.#change("setCurrentDatabase()", { case: "setCurrentDatabase", value: { dbName: database } }, options);
  }

  async listDatabases(options: ListOptions = {}): Promise<CatalogDatabase[]> {
    return await this.#list("listDatabases()", (pattern) => ({ case: "listDatabases", value: pattern }), options);
  }

  async databaseExists(database: string, options: RunOptions = {}): Promise<boolean> {
    checkArgument("databaseExists()", "database", database, filled);
    return await this.#value("databaseExists()", { case: "databaseExists", value: { dbName: database } }, options);
  }

  /** The tables and views of a database, and all temporary views. @param database Default: the current one. */
  async listTables(database?: string, options: ListOptions = {}): Promise<CatalogTable[]> {
    if (database !== undefined) checkArgument("listTables()", "database", database, filled);
    const dbName = database === undefined ? {} : { dbName: database };
    return await this.#list(
      "listTables()",
      (pattern) => ({ case: "listTables", value: { ...dbName, ...pattern } }),
      options,
    );
  }

  /** Whether there is a table or view, also a temporary one, of this name. */
  async tableExists(table: string, options: RunOptions = {}): Promise<boolean> {
    checkArgument("tableExists()", "table", table, filled);
    return await this.#value("tableExists()", { case: "tableExists", value: { tableName: table } }, options);
  }

  async listColumns(table: string, options: RunOptions = {}): Promise<CatalogColumn[]> {
    checkArgument("listColumns()", "table", table, filled);
    checkRunOptions(options, "listColumns()");
    return await this.#ask<CatalogColumn>({ case: "listColumns", value: { tableName: table } }, options);
  }

  /** Without effect if there is none. */
  async dropTempView(view: string, options: RunOptions = {}): Promise<void> {
    checkArgument("dropTempView()", "view", view, filled);
    await this.#change("dropTempView()", { case: "dropTempView", value: { viewName: view } }, options);
  }

  async isCached(table: string, options: RunOptions = {}): Promise<boolean> {
    checkArgument("isCached()", "table", table, filled);
    return await this.#value("isCached()", { case: "isCached", value: { tableName: table } }, options);
  }

  /** Has Spark keep the rows of a table, from the next query on that computes them. */
  async cacheTable(table: string, options: RunOptions = {}): Promise<void> {
    checkArgument("cacheTable()", "table", table, filled);
    await this.#change("cacheTable()", { case: "cacheTable", value: { tableName: table } }, options);
  }

  async uncacheTable(table: string, options: RunOptions = {}): Promise<void> {
    checkArgument("uncacheTable()", "table", table, filled);
    await this.#change("uncacheTable()", { case: "uncacheTable", value: { tableName: table } }, options);
  }

  /** Has Spark forget the rows of all tables and frames that it kept. */
  async clearCache(options: RunOptions = {}): Promise<void> {
    await this.#change("clearCache()", { case: "clearCache", value: {} }, options);
  }

  /** Has Spark look again at the files of a table, and forget its rows that it kept. */
  async refreshTable(table: string, options: RunOptions = {}): Promise<void> {
    checkArgument("refreshTable()", "table", table, filled);
    await this.#change("refreshTable()", { case: "refreshTable", value: { tableName: table } }, options);
  }

  async #value<T>(of: string, question: Question, options: RunOptions): Promise<T> {
    checkRunOptions(options, of);
    const [row] = await this.#ask<Record<string, T>>(question, options);
    return Object.values(row ?? {})[0]!;
  }

  async #list<T>(
    of: string,
    question: (pattern: { pattern?: string }) => Question,
    options: ListOptions,
  ): Promise<T[]> {
    checkOptions(of, options, listOptions);
    const { pattern, ...others } = options;
    return await this.#ask<T>(question(pattern === undefined ? {} : { pattern }), others);
  }

  /** Not as a query, which may run in a clone of the session, and more than once. */
  async #change(of: string, question: Question, options: RunOptions): Promise<void> {
    checkRunOptions(options, of);
    await this.#run(question, options);
  }
}

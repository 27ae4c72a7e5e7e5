import { checkArgument, checkArguments, filled } from "../options.js";
import { settings, settingValue } from "./arguments.js";
import { DataFrame } from "./dataframe.js";
import type { SparkSession } from "./session.js";

/** `spark.read.format("csv").option("header", true).load("…")`: each method gives a new reader. */
export class DataFrameReader {
  readonly #session: SparkSession;
  readonly #source: { format?: string; schema?: string; options: Readonly<Record<string, string>> };

  /** @internal Use `session.read`. */
  constructor(
    session: SparkSession,
    source: { format?: string; schema?: string; options?: Record<string, string> } = {},
  ) {
    this.#session = session;
    this.#source = { options: {}, ...source };
  }

  /** The source's name: "parquet", "csv", "jdbc", "delta", … Default: the server's spark.sql.sources.default. */
  format(format: string): DataFrameReader {
    checkArgument("format()", "format", format, filled);
    return new DataFrameReader(this.#session, { ...this.#source, format });
  }

  option(key: string, value: string | number | boolean): DataFrameReader {
    checkArgument("option()", "key", key, filled);
    checkArgument("option()", "value", value, settingValue);
    return this.options({ [key]: value });
  }

  options(options: Readonly<Record<string, string | number | boolean>>): DataFrameReader {
    checkArgument("options()", "options", options, settings);
    const strings = Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)]));
    return new DataFrameReader(this.#session, { ...this.#source, options: { ...this.#source.options, ...strings } });
  }

  /** @param ddl as in CREATE TABLE: "id BIGINT, name STRING" */
  schema(ddl: string): DataFrameReader {
    checkArgument("schema()", "ddl", ddl, filled);
    return new DataFrameReader(this.#session, { ...this.#source, schema: ddl });
  }

  /** @param paths as the executors see them; none for a source that has none */
  load(...paths: string[]): DataFrame {
    checkArguments("load()", "paths", paths, filled);
    const { format, schema, options } = this.#source;
    const value = { options: { ...options }, paths, ...(format && { format }), ...(schema && { schema }) };
    return this.#read({ case: "dataSource", value });
  }

  parquet(...paths: string[]): DataFrame {
    return this.format("parquet").load(...paths);
  }

  csv(...paths: string[]): DataFrame {
    return this.format("csv").load(...paths);
  }

  json(...paths: string[]): DataFrame {
    return this.format("json").load(...paths);
  }

  /** A table or view by its name. */
  table(name: string): DataFrame {
    checkArgument("table()", "name", name, filled);
    const value = { unparsedIdentifier: name, options: { ...this.#source.options } };
    return this.#read({ case: "namedTable", value });
  }

  #read(
    readType:
      | {
          case: "dataSource";
          value: { options: Record<string, string>; paths: string[]; format?: string; schema?: string };
        }
      | { case: "namedTable"; value: { unparsedIdentifier: string; options: Record<string, string> } },
  ): DataFrame {
    return new DataFrame(this.#session, async () => ({ relType: { case: "read", value: { readType } } }));
  }
}

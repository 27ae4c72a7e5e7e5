import { checkArgument, checkArguments, filled } from "../../runtime/check-options.js";
import { settings, settingValue } from "./arguments.js";
import type { RelationInit } from "./plan.js";
import type { ReadSource } from "./relations.js";
import * as relations from "./relations.js";

type NewFrame<Frame> = (relType: RelationInit["relType"]) => Frame;

/** `spark.read.format("csv").option("header", true).load("…")`: each method gives a new reader. */
export class DataFrameReader<Frame> {
  readonly #frame: NewFrame<Frame>;
  readonly #source: ReadSource;

  /** @internal Use `spark.read`. */
  constructor(frame: NewFrame<Frame>, source: ReadSource = { options: {} }) {
    this.#frame = frame;
    this.#source = source;
  }

  /** The source's name: "parquet", "csv", "jdbc", "delta", … Default: the server's spark.sql.sources.default. */
  format(format: string): DataFrameReader<Frame> {
    checkArgument("format()", "format", format, filled);
    return this.#with({ format });
  }

  option(key: string, value: string | number | boolean): DataFrameReader<Frame> {
    checkArgument("option()", "key", key, filled);
    checkArgument("option()", "value", value, settingValue);
    return this.options({ [key]: value });
  }

  options(options: Readonly<Record<string, string | number | boolean>>): DataFrameReader<Frame> {
    checkArgument("options()", "options", options, settings);
    const strings = Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)]));
    return this.#with({ options: { ...this.#source.options, ...strings } });
  }

  /** @param ddl as in CREATE TABLE: "id BIGINT, name STRING" */
  schema(ddl: string): DataFrameReader<Frame> {
    checkArgument("schema()", "ddl", ddl, filled);
    return this.#with({ schema: ddl });
  }

  /** @param paths as the executors see them; none for a source that has none */
  load(...paths: string[]): Frame {
    checkArguments("load()", "paths", paths, filled);
    return this.#frame(relations.readFiles(this.#source, paths));
  }

  parquet(...paths: string[]): Frame {
    return this.format("parquet").load(...paths);
  }

  csv(...paths: string[]): Frame {
    return this.format("csv").load(...paths);
  }

  json(...paths: string[]): Frame {
    return this.format("json").load(...paths);
  }

  orc(...paths: string[]): Frame {
    return this.format("orc").load(...paths);
  }

  /** One column `value`: the lines of text files. */
  text(...paths: string[]): Frame {
    return this.format("text").load(...paths);
  }

  /** A table or view by its name. */
  table(name: string): Frame {
    checkArgument("table()", "name", name, filled);
    return this.#frame(relations.readTable(this.#source, name));
  }

  #with(change: Partial<ReadSource>): DataFrameReader<Frame> {
    return new DataFrameReader(this.#frame, { ...this.#source, ...change });
  }
}

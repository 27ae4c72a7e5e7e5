import type { MessageInitShape } from "@bufbuild/protobuf";
import { checkRunOptions, type RunOptions } from "../../runtime/call-options.js";
import { checkArgument, checkArguments, checkKnown, filled, text } from "../../runtime/check-options.js";
import {
  WriteOperation_SaveMode as SaveMode,
  WriteOperation_SaveTable_TableSaveMethod as TableSaveMethod,
  type WriteOperationSchema,
} from "../generated/spark-connect_pb.js";
import { partitionCount, settings, settingValue } from "./arguments.js";

/** What to do if the target exists. "error" has the other names that Spark knows it by. */
export type WriteMode = "append" | "overwrite" | "error" | "errorIfExists" | "errorifexists" | "default" | "ignore";

const saveModes: Readonly<Record<WriteMode, SaveMode>> = {
  append: SaveMode.APPEND,
  overwrite: SaveMode.OVERWRITE,
  error: SaveMode.ERROR_IF_EXISTS,
  errorIfExists: SaveMode.ERROR_IF_EXISTS,
  errorifexists: SaveMode.ERROR_IF_EXISTS,
  default: SaveMode.ERROR_IF_EXISTS,
  ignore: SaveMode.IGNORE,
};

/** @internal */
export type WriteInit = Exclude<MessageInitShape<typeof WriteOperationSchema>, { $typeName: string }>;

/** `df.write.format("parquet").mode("overwrite").save("…")`: each method but the last gives a new writer. */
export class DataFrameWriter {
  readonly #run: (operation: WriteInit, options: RunOptions) => Promise<void>;
  readonly #operation: WriteInit;

  /** @internal Use `dataFrame.write`. */
  constructor(run: (operation: WriteInit, options: RunOptions) => Promise<void>, operation: WriteInit = {}) {
    this.#run = run;
    this.#operation = operation;
  }

  /** The target's format: "parquet", "csv", "delta", … Default: the server's spark.sql.sources.default. */
  format(source: string): DataFrameWriter {
    checkArgument("format()", "source", source, filled);
    return this.#with({ source });
  }

  /** Default: "error". */
  mode(mode: WriteMode): DataFrameWriter {
    checkKnown("write mode", "", mode, Object.keys(saveModes));
    return this.#with({ mode: saveModes[mode] });
  }

  option(key: string, value: string | number | boolean): DataFrameWriter {
    checkArgument("option()", "key", key, filled);
    checkArgument("option()", "value", value, settingValue);
    return this.options({ [key]: value });
  }

  options(options: Readonly<Record<string, string | number | boolean>>): DataFrameWriter {
    checkArgument("options()", "options", options, settings);
    const strings = Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)]));
    return this.#with({ options: { ...this.#operation.options, ...strings } });
  }

  /** One directory per value of these columns. */
  partitionBy(...partitioningColumns: string[]): DataFrameWriter {
    checkArguments("partitionBy()", "partitioningColumns", partitioningColumns, text);
    return this.#with({ partitioningColumns });
  }

  /** `numBuckets` files per partition, by the hash of these columns: for {@link saveAsTable} alone. */
  bucketBy(numBuckets: number, ...bucketColumnNames: [string, ...string[]]): DataFrameWriter {
    checkArgument("bucketBy()", "numBuckets", numBuckets, partitionCount);
    checkNames("bucketBy()", bucketColumnNames);
    return this.#with({ bucketBy: { numBuckets, bucketColumnNames } });
  }

  /** The order of the rows within a bucket; goes with {@link bucketBy}. */
  sortBy(...sortColumnNames: [string, ...string[]]): DataFrameWriter {
    checkNames("sortBy()", sortColumnNames);
    return this.#with({ sortColumnNames });
  }

  /** @param path as the executors see it */
  async save(path?: string, options: RunOptions = {}): Promise<void> {
    if (path !== undefined) checkArgument("save()", "path", path, filled);
    checkRunOptions(options, "save()");
    const target: WriteInit = path === undefined ? {} : { saveType: { case: "path", value: path } };
    await this.#run({ ...this.#operation, ...target }, options);
  }

  async parquet(path: string, options: RunOptions = {}): Promise<void> {
    await this.#saveAs("parquet", path, options);
  }

  async csv(path: string, options: RunOptions = {}): Promise<void> {
    await this.#saveAs("csv", path, options);
  }

  async json(path: string, options: RunOptions = {}): Promise<void> {
    await this.#saveAs("json", path, options);
  }

  async orc(path: string, options: RunOptions = {}): Promise<void> {
    await this.#saveAs("orc", path, options);
  }

  /** Columns are matched by name if the table exists; it is made if it does not. */
  async saveAsTable(tableName: string, options: RunOptions = {}): Promise<void> {
    await this.#saveTo("saveAsTable()", TableSaveMethod.SAVE_AS_TABLE, tableName, options);
  }

  /** Columns are matched by position, and the table must exist. The mode "overwrite" replaces its rows; others add to them. */
  async insertInto(tableName: string, options: RunOptions = {}): Promise<void> {
    await this.#saveTo("insertInto()", TableSaveMethod.INSERT_INTO, tableName, options);
  }

  async #saveAs(format: string, path: string, options: RunOptions): Promise<void> {
    checkArgument(`${format}()`, "path", path, filled);
    await this.format(format).save(path, options);
  }

  async #saveTo(of: string, saveMethod: TableSaveMethod, tableName: string, options: RunOptions): Promise<void> {
    checkArgument(of, "tableName", tableName, filled);
    checkRunOptions(options, of);
    await this.#run({ ...this.#operation, saveType: { case: "table", value: { tableName, saveMethod } } }, options);
  }

  #with(change: WriteInit): DataFrameWriter {
    return new DataFrameWriter(this.#run, { ...this.#operation, ...change });
  }
}

function checkNames(of: string, names: readonly string[]): void {
  checkArgument(of, "columnNames", names, [(value) => Array.isArray(value) && value.length > 0, "at least one name"]);
  checkArguments(of, "columnNames", names, filled);
}

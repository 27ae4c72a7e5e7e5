import type { MessageInitShape } from "@bufbuild/protobuf";
import { checkRunOptions, type RunOptions } from "../../runtime/call-options.js";
import { checkArgument, checkArguments, checkKnown, filled, text } from "../../runtime/check-options.js";
import {
  WriteOperation_SaveMode as SaveMode,
  WriteOperation_SaveTable_TableSaveMethod as TableSaveMethod,
  type WriteOperationSchema,
} from "../generated/spark-connect_pb.js";
import { settingValue } from "./arguments.js";

/** What to do if the target exists. */
export type WriteMode = "append" | "overwrite" | "error" | "ignore";

const saveModes: Readonly<Record<WriteMode, SaveMode>> = {
  append: SaveMode.APPEND,
  overwrite: SaveMode.OVERWRITE,
  error: SaveMode.ERROR_IF_EXISTS,
  ignore: SaveMode.IGNORE,
};

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
    return this.#with({ options: { ...this.#operation.options, [key]: String(value) } });
  }

  /** One directory per value of these columns. */
  partitionBy(...partitioningColumns: string[]): DataFrameWriter {
    checkArguments("partitionBy()", "partitioningColumns", partitioningColumns, text);
    return this.#with({ partitioningColumns });
  }

  /** @param path as the executors see it */
  async save(path?: string, options: RunOptions = {}): Promise<void> {
    if (path !== undefined) checkArgument("save()", "path", path, filled);
    checkRunOptions(options, "save()");
    const target: WriteInit = path === undefined ? {} : { saveType: { case: "path", value: path } };
    await this.#run({ ...this.#operation, ...target }, options);
  }

  async saveAsTable(tableName: string, options: RunOptions = {}): Promise<void> {
    checkArgument("saveAsTable()", "tableName", tableName, filled);
    checkRunOptions(options, "saveAsTable()");
    const saveMethod = TableSaveMethod.SAVE_AS_TABLE;
    await this.#run({ ...this.#operation, saveType: { case: "table", value: { tableName, saveMethod } } }, options);
  }

  #with(change: WriteInit): DataFrameWriter {
    return new DataFrameWriter(this.#run, { ...this.#operation, ...change });
  }
}

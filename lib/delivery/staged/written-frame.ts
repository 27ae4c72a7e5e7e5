/**
 * A frame that Spark wrote to storage that its driver and all executors share, and reads back partition by partition. Unlike a
 * checkpoint on the executors' disks, it outlives them, and a query for some partitions reads nothing else.
 *
 * Written are the frame's columns as c0, c1, …; `p`, the partition of the row, whose rows are a directory of their own; and
 * `r`, the order of the rows. A format may split and reorder what it stores, so reads sort by `r`.
 *
 * Disk: the frame, in the target's format, until it is removed. Memory on an executor: the rows of the partitions that its
 * tasks sort, which Spark spills.
 */
import { DataFrameWriter } from "../../connect/session/dataframe-writer.js";
import { type DataFrame, unionOf } from "../../connect/session/session.js";
import { isRefusalWithoutClass, SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { ResultReport } from "../result/result-report.js";
import { countPartitions, numbered } from "./count-partitions.js";
import type { KeptFrame } from "./kept-frame.js";
import type { StagedPartition } from "./partition-windows.js";
import type { SharedStorage } from "./shared-storage.js";

const ROWS = "written";

export class WrittenFrame implements KeptFrame {
  readonly rescans = false;
  /** Each is a part of the query's plan. */
  mostPerQuery = 64;
  readonly #source: DataFrame;
  readonly #storage: SharedStorage;
  #begun = false;
  #names: string[] = [];
  #written: DataFrame | undefined;

  constructor(source: DataFrame, storage: SharedStorage) {
    this.#source = source;
    this.#storage = storage;
  }

  /** @throws SparkStreamError INCOMPLETE_RESULT: fewer rows are there than were written; UNSUPPORTED_TYPE; QUERY_FAILED */
  async partitions(options: RunOptions): Promise<StagedPartition[]> {
    const schema = await this.#source.sparkSchema(options);
    this.#names = schema?.kind.case === "struct" ? schema.kind.value.fields.map(({ name }) => name) : [];
    const rows = await this.#write(options).catch((error) => Promise.reject(this.#explained(error)));
    const partitions = await this.#count(options);
    const found = partitions.reduce((sum, partition) => sum + partition.rows, 0);
    if (rows !== undefined && rows !== found) throw this.#lost(rows, found);
    return partitions;
  }

  rowsOf(partitions: readonly StagedPartition[]): DataFrame {
    if (partitions.length === 0) return this.#source.where("false");
    const columns = this.#names.map((_, index) => `c${index}`);
    const rows = this.#written!;
    const frames = partitions.map(({ id }) => rows.where(`p = ${id}`).coalesce(1).sortWithinPartitions("r"));
    // Spark 4.1 and later run a union as one task if each part of it is one, so that batches have rows of several
    // partitions. A part that is none prevents that.
    if (frames.length > 1) frames.unshift(rows.where("p < 0"));
    const selected = unionOf(frames.map((frame) => frame.select(...columns)));
    return columns.length > 0 ? selected.toDF(...this.#names) : selected;
  }

  async remove(): Promise<void> {
    if (!this.#begun) return;
    try {
      await this.#storage.remove(this.#source.session);
    } catch (error) {
      const message = `The staged frame in ${this.#storage} could not be removed, remove it yourself: ${(error as Error).message}`;
      process.emitWarning(message, { type: "SparkStreamWarning", code: "STAGED_FRAME_LEFT" });
    }
  }

  /** Resolves to the number of rows that the tasks wrote; undefined if the server does not count them. */
  async #write(options: RunOptions): Promise<number | undefined> {
    const columns = this.#names.map((_, index) => `c${index}`);
    const numbers = ["monotonically_increasing_id() AS r", "spark_partition_id() AS p"];
    const rows = (await numbered(this.#source, options)).select(...columns, ...numbers);
    this.#begun = true;
    try {
      return await this.#writeRows(rows.observe(ROWS, "count(1) AS rows"), options);
    } catch (error) {
      // Sail has no observed metrics, and sends the parts of a union in any order.
      if (!isRefusalWithoutClass(error)) throw error;
      this.mostPerQuery = 1;
      return await this.#writeRows(rows, options);
    }
  }

  async #writeRows(rows: DataFrame, options: RunOptions): Promise<number | undefined> {
    const report = new ResultReport();
    const writer = new DataFrameWriter(async (operation, runOptions) => {
      const value = { ...operation, input: await rows.relation(runOptions) };
      const command = { commandType: { case: "writeOperation" as const, value } };
      const plan = { opType: { case: "command" as const, value: command } };
      for (const answer of await rows.session.client.command(plan, runOptions)) report.take(answer);
    });
    await this.#storage.write(writer.partitionBy("p"), options);
    // By its place and not by its key, since Spark 3.5 sends no keys.
    const [count] = Object.values(report.observed[ROWS] ?? {});
    return count === undefined ? undefined : Number(count);
  }

  async #count(options: RunOptions): Promise<StagedPartition[]> {
    try {
      this.#written = await this.#storage.read(this.#source.session, options);
    } catch (error) {
      // A frame without rows is a directory without files.
      if (error instanceof SparkStreamError && error.errorClass === "UNABLE_TO_INFER_SCHEMA") return [];
      throw error;
    }
    return await countPartitions(this.#written, "CAST(p AS INT)", options, ["p", "r"]);
  }

  #lost(rows: number, found: number): SparkStreamError {
    const message = `${rows} rows were written to ${this.#storage}, and ${found} are there. It must be storage that Spark's driver and all executors share, and nobody else may write there.`;
    return new SparkStreamError("INCOMPLETE_RESULT", message);
  }

  #explained(error: unknown): unknown {
    if (!(error instanceof SparkStreamError) || error.errorClass !== "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE")
      return error;
    const [, index] = /^`c(\d+)`$/.exec(error.messageParameters?.columnName ?? "") ?? [];
    const name = index === undefined ? undefined : this.#names[Number(index)];
    const column = name === undefined ? "A column" : `Column ${JSON.stringify(name)}`;
    const message = `${column} has a type that cannot be staged in ${this.#storage}. Cast it, or use another delivery. ${error.message}`;
    return new SparkStreamError("UNSUPPORTED_TYPE", message, { cause: error });
  }
}

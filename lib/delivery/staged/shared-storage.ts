/** Where a frame is written by `staged: { path }` and `staged: { table }`: a directory or a table of its own. */
import { randomUUID } from "node:crypto";
import type { DataFrameWriter } from "../../connect/session/dataframe-writer.js";
import type { DataFrame, SparkSession } from "../../connect/session/session.js";
import type { RunOptions } from "../../runtime/call-options.js";

export interface SharedStorage {
  write(writer: DataFrameWriter, options: RunOptions): Promise<void>;
  /** Everything that was written. */
  read(session: SparkSession, options: RunOptions): Promise<DataFrame>;
  /** @throws SparkStreamError if something may be left */
  remove(session: SparkSession): Promise<void>;
  /** The place, as messages name it. */
  toString(): string;
}

/** A name with the time of staging, by which the leftovers of a killed process can be found: `20261126t101112_1a2b…`. */
function uniqueName(): string {
  const time = new Date()
    .toISOString()
    .replace(/[-:]|\..*/g, "")
    .toLowerCase();
  return `${time}_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
}

/** Parquet files in a directory below the one that the user named. */
export class SharedDirectory implements SharedStorage {
  readonly #directory: string;
  /** The name of the view that the files are read by, and of the database by which they are removed. */
  readonly #name = `spark_arrow_stream_${uniqueName()}`;

  constructor(path: string) {
    this.#directory = `${path.replace(/\/+$/, "")}/${this.#name}`;
  }

  async write(writer: DataFrameWriter, options: RunOptions): Promise<void> {
    await writer.format("parquet").save(this.#directory, options);
  }

  /** By a view, which lists the files and reads their schema once, and not for each use in a plan. */
  async read(session: SparkSession, options: RunOptions): Promise<DataFrame> {
    await session.read.parquet(this.#directory).createOrReplaceTempView(this.#name, options);
    return session.table(this.#name);
  }

  /**
   * Spark Connect has no call that removes a directory. An overwrite with no rows removes the files, and leaves an empty directory.
   * Spark removes that with a database which it is the location of, if it lets the user make one.
   */
  async remove(session: SparkSession): Promise<void> {
    const nothing = session.range(0).select("id AS r", "CAST(id AS INT) AS p");
    const noMark = "mapreduce.fileoutputcommitter.marksuccessfuljobs";
    const writer = nothing.write.mode("overwrite").partitionBy("p").format("parquet").option(noMark, false);
    await writer.save(this.#directory);
    const location = this.#directory.replace(/[\\']/g, "\\$&");
    for (const command of [
      `DROP VIEW IF EXISTS ${this.#name}`,
      `CREATE DATABASE ${this.#name} LOCATION '${location}'`,
      `DROP DATABASE ${this.#name} CASCADE`,
    ]) {
      const refused = await session
        .sql(command)
        .execute()
        .then(
          () => false,
          () => true,
        );
      if (refused) return;
    }
  }

  toString(): string {
    return this.#directory;
  }
}

/** A table whose name begins with the one that the user named. */
export class SharedTable implements SharedStorage {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name.endsWith("`") ? `${name.slice(0, -1)}_${uniqueName()}\`` : `${name}_${uniqueName()}`;
  }

  async write(writer: DataFrameWriter, options: RunOptions): Promise<void> {
    await writer.saveAsTable(this.#name, options);
  }

  async read(session: SparkSession): Promise<DataFrame> {
    return session.table(this.#name);
  }

  async remove(session: SparkSession): Promise<void> {
    try {
      // Some catalogs keep the files of a table that is dropped without PURGE, and some know no PURGE.
      await session.sql(`DROP TABLE IF EXISTS ${this.#name} PURGE`).execute();
    } catch {
      await session.sql(`DROP TABLE IF EXISTS ${this.#name}`).execute();
    }
  }

  toString(): string {
    return `the table ${this.#name}`;
  }
}

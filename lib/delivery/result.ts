/**
 * Delivery "result": the whole result in one execution, its batches in order of the partitions. Spark runs all partitions
 * at once and buffers on its driver what the consumer has not taken; memory here is that of the chain.
 */

import type { ArrowIpcRow } from "../chain/arrow-ipc-row.js";
import { BatchAssembler } from "../chain/response-rows.js";
import { ResultReport } from "../chain/result-report.js";
import type { RowCursor } from "../chain/row-source.js";
import { firstOfRunning } from "../connect/conf-scope.js";
import type { DataFrame } from "../connect/dataframe.js";
import type { Execution } from "../connect/execution.js";
import type { ExecutePlanResponse } from "../connect/generated/spark-connect_pb.js";

/** What a query may have of its own, whatever its delivery. */
export interface QueryOptions {
  maxRecordsPerBatch?: number;
  /** Of what Spark hands to a Python function. */
  maxBytesPerBatch?: number;
  compression?: "none" | "zstd";
  tags?: readonly string[];
}

export class ResultCursor implements RowCursor {
  readonly #dataFrame: DataFrame;
  readonly #options: QueryOptions;
  readonly report: ResultReport;
  readonly #batches = new BatchAssembler();
  #opened: Promise<Execution> | undefined;
  #first: Promise<ExecutePlanResponse | undefined> | undefined;
  /** Once its first response was asked for. */
  #execution: Execution | undefined;
  /** Aborted by `close()`. */
  readonly #stop = new AbortController();

  /** @throws SparkStreamError SESSION_CLOSED */
  constructor(dataFrame: DataFrame, options: QueryOptions, report = new ResultReport()) {
    dataFrame.session.checkOpen();
    this.report = report;
    this.#dataFrame = dataFrame;
    this.#options = options;
  }

  /** Sends the query, ahead of the first `next`. One response is taken in, which tells that Spark runs it. */
  start(): void {
    if (this.#first) return;
    this.#opened = this.#open();
    this.#first = this.#opened.then((execution) =>
      this.#dataFrame.session.withConf(confOf(this.#options), () => firstOfRunning(() => execution.next())),
    );
    this.#first.catch(() => {}); // told to whoever asks for the first row
  }

  async next(): Promise<ArrowIpcRow | undefined> {
    let response = this.#execution ? await this.#execution.next() : await this.#firstResponse();
    for (; response; response = await this.#execution!.next()) {
      const row = this.#batches.take(response);
      if (row) return row;
      this.report.take(response);
    }
    return undefined;
  }

  async #firstResponse(): Promise<ExecutePlanResponse | undefined> {
    this.start();
    this.#execution = await this.#opened;
    return this.#first;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const execution = await this.#opened?.catch(() => undefined);
    await execution?.close();
  }

  async #open(): Promise<Execution> {
    const { tags } = this.#options;
    const { signal } = this.#stop;
    const execution = await this.#dataFrame.execution({ tags, signal });
    // A close that came meanwhile must not be followed by a query.
    if (signal.aborted) await execution.close();
    return execution;
  }
}

function confOf({ maxRecordsPerBatch, maxBytesPerBatch, compression }: QueryOptions): Record<string, string> {
  const conf = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": maxRecordsPerBatch,
    "spark.sql.execution.arrow.maxBytesPerBatch": maxBytesPerBatch,
    "spark.sql.execution.arrow.compression.codec": compression,
  };
  return Object.fromEntries(
    Object.entries(conf).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  );
}

/**
 * Delivery "result": the whole result in one execution, its batches in order of the partitions. Spark runs all partitions
 * at once and buffers on its driver what the consumer has not taken; the memory on this side is that of the chain.
 */

import type { ArrowIpcRow } from "../../chain/arrow-ipc-row.js";
import type { RowCursor } from "../../chain/row-source.js";
import type { Execution } from "../../connect/execution/execution.js";
import type { ExecutePlanResponse } from "../../connect/generated/spark-connect_pb.js";
import type { QueryConf, QuerySession } from "../../connect/session/query-session.js";
import type { DataFrame, SparkSession } from "../../connect/session/session.js";
import { isRefusalWithoutClass, SparkStreamError } from "../../errors.js";
import { AbortError } from "../../runtime/abort.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { observationsOf } from "../observations.js";
import { BatchAssembler } from "./response-rows.js";
import { ResultReport } from "./result-report.js";

/** How a query runs: its own settings, and tags to interrupt it by. */
export interface QueryOptions extends Pick<RunOptions, "tags"> {
  readonly conf?: QueryConf;
  /** Whether it has Python functions. */
  readonly usesPython?: boolean;
}

export class ResultCursor implements RowCursor {
  readonly #dataFrame: DataFrame;
  readonly #options: QueryOptions;
  readonly report: ResultReport;
  readonly #batches = new BatchAssembler();
  /** Settles when there is an execution, or will be none. */
  readonly #opened: Promise<void>;
  #onOpened: () => void = () => {};
  #session: QuerySession<SparkSession> | undefined;
  #execution: Execution | undefined;
  #first: Promise<ExecutePlanResponse | undefined> | undefined;
  #firstTaken = false;
  /** Aborted by `close()`. */
  readonly #stop = new AbortController();
  #closed: Promise<void> | undefined;

  /** @throws SparkStreamError SESSION_CLOSED */
  constructor(dataFrame: DataFrame, options: QueryOptions, report = new ResultReport()) {
    dataFrame.session.checkOpen();
    this.report = report;
    this.#dataFrame = dataFrame;
    this.#options = options;
    this.#opened = new Promise((resolve) => {
      this.#onOpened = resolve;
    });
  }

  /** Sends the query, ahead of the first `next`. One response is taken in, which shows that Spark runs it. */
  start(): void {
    if (this.#first) return;
    this.#first = this.#start();
    this.#first.catch(() => this.#onOpened()); // the error is for whoever asks for the first row
  }

  async next(): Promise<ArrowIpcRow | undefined> {
    let response = this.#firstTaken ? await this.#execution!.next() : await this.#takeFirst();
    for (; response; response = await this.#execution!.next()) {
      const row = this.#batches.take(response);
      if (row) return row;
      this.report.take(response);
    }
    return undefined;
  }

  close(): Promise<void> {
    this.#stop.abort();
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #takeFirst(): Promise<ExecutePlanResponse | undefined> {
    this.start();
    const first = await this.#first;
    this.#firstTaken = true;
    return first;
  }

  get #run(): RunOptions {
    return { tags: this.#options.tags, signal: this.#stop.signal };
  }

  async #start(): Promise<ExecutePlanResponse | undefined> {
    // A SQL command that the query rests on runs in the session itself, before a clone is made that has to see its effect.
    const relation = await this.#dataFrame.relation(this.#run);
    if (this.#stop.signal.aborted) throw new AbortError(this.#stop.signal);
    const query = this.#dataFrame.withPlan(async () => relation);
    const { conf = {}, usesPython } = this.#options;
    try {
      return await query.session.withQuerySession(query, { conf, usesPython }, (session) =>
        this.#startIn(query, session),
      );
    } catch (error) {
      throw isRefusalWithoutClass(error) && observationsOf(relation).length > 0 ? noObservations(error) : error;
    }
  }

  async #startIn(query: DataFrame, session: QuerySession<SparkSession>): Promise<ExecutePlanResponse | undefined> {
    this.#session = session;
    try {
      this.#execution = await query.in(session.session).execution(this.#run);
      this.#onOpened();
      const execution = this.#execution;
      return await session.start(() => execution.next());
    } catch (error) {
      void this.#end();
      throw error;
    }
  }

  async #close(): Promise<void> {
    if (!this.#first) return;
    await this.#opened;
    // Nothing depends on the release of a complete result.
    const isWhole = this.#isWhole;
    const ended = this.#end();
    if (!isWhole) await ended;
  }

  get #isWhole(): boolean {
    return this.#execution?.state === "complete" || this.#execution?.state === "released";
  }

  async #end(): Promise<void> {
    const [execution, session, stopped] = [this.#execution, this.#session, !this.#isWhole];
    await execution?.close();
    await execution?.released;
    await session?.release(stopped);
  }
}

/** For a server other than Spark, which computes no observed metrics. */
function noObservations(error: Error): SparkStreamError {
  const message = `df.observe() is not supported by this server (${error.message}). Count with a query of its own: df.groupBy().agg(…).`;
  return new SparkStreamError("UNSUPPORTED", message, { cause: error });
}

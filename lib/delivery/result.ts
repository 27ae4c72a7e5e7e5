/**
 * Delivery "result": the whole result in one execution, its batches in order of the partitions. Spark runs all partitions
 * at once and buffers on its driver what the consumer has not taken; memory here is that of the chain.
 */

import { BatchAssembler } from "../chain/response-rows.js";
import { ResultReport } from "../chain/result-report.js";
import type { RowCursor } from "../chain/row-source.js";
import { firstOfRunning } from "../connect/conf-scope.js";
import type { DataFrame } from "../connect/dataframe.js";
import type { Execution } from "../connect/execution.js";

export interface ResultOptions {
  maxRecordsPerBatch?: number;
  compression?: "none" | "zstd";
  tags?: readonly string[];
}

/** @throws SparkStreamError SESSION_CLOSED */
export function resultRows(dataFrame: DataFrame, options: ResultOptions): RowCursor {
  dataFrame.session.checkOpen();
  const batches = new BatchAssembler();
  const report = new ResultReport();
  let opened: Promise<Execution> | undefined;
  let closed = false;

  async function start(): Promise<Execution> {
    const execution = await dataFrame.execution(options);
    // A close that came meanwhile must not be followed by a query.
    if (closed) await execution.close();
    return execution;
  }

  return {
    report,
    async next() {
      const first = opened === undefined;
      opened ??= start();
      const execution = await opened;
      const pull = () => execution.next();
      let response = first
        ? await dataFrame.session.withConf(confOf(options), () => firstOfRunning(pull))
        : await pull();
      for (; response; response = await pull()) {
        const row = batches.take(response);
        if (row) return row;
        report.take(response);
      }
      return undefined;
    },
    async close() {
      closed = true;
      const execution = await opened?.catch(() => undefined);
      await execution?.close();
    },
  };
}

function confOf({ maxRecordsPerBatch, compression }: ResultOptions): Record<string, string> {
  return {
    ...(maxRecordsPerBatch !== undefined && {
      "spark.sql.execution.arrow.maxRecordsPerBatch": String(maxRecordsPerBatch),
    }),
    ...(compression !== undefined && { "spark.sql.execution.arrow.compression.codec": compression }),
  };
}

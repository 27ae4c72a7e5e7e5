// What a campaign is made of. Its faults and its slow consumers pick moments and lengths at random: there a sleep is the subject.
import type { RecordBatch } from "apache-arrow";
import { type ConnectOptions, connect, type ErrorCode, SparkStreamError, sparkStream } from "../../lib/index.js";
import type { Random } from "../support/random.js";
import { type Outcome, ReceivedRows } from "./rows.js";

/** A way in which something goes wrong, to be tried often. */
export interface FaultClass {
  readonly name: string;
  /** What has to come of it: all rows; or an error with one of these codes. */
  readonly expected: "exact" | readonly ErrorCode[];
  /** Its runs take seconds, and so there are fewer of them than of others. */
  readonly slow?: boolean;
  /** @param turn counts the runs of this class, to strike at one place after the other */
  run(random: Random, turn: number): Promise<RunResult>;
}

export interface RunResult {
  readonly outcome: Outcome;
  readonly error?: unknown;
}

export interface StreamOfRows {
  readonly url: string;
  readonly connectOptions?: ConnectOptions;
  /** Settings of the session. */
  readonly conf?: Readonly<Record<string, string>>;
  readonly query: string;
  /** Rows of the result. */
  readonly count: number;
  /** What the consumer does between two batches. */
  consume?(batch: RecordBatch): Promise<void>;
}

/** ms after which a run counts as hung. The longest of those that end takes a few seconds. */
const HUNG = 60_000;

/** One stream, from connecting to its end, and what came of it. */
export async function streamRows({
  url,
  connectOptions,
  conf,
  query,
  count,
  consume,
}: StreamOfRows): Promise<RunResult> {
  const received = new ReceivedRows(count);
  const spark = await connect(url, connectOptions);
  try {
    for (const [key, value] of Object.entries(conf ?? {})) await spark.conf.set(key, value);
    return await readRows(sparkStream(spark.sql(query)), received, consume);
  } finally {
    await spark.close();
  }
}

/** What comes of a stream. */
export async function readRows(
  stream: AsyncIterable<RecordBatch>,
  received: ReceivedRows,
  consume?: (batch: RecordBatch) => Promise<void>,
): Promise<RunResult> {
  const reading = (async (): Promise<RunResult> => {
    try {
      for await (const batch of stream) {
        received.add(batch);
        await consume?.(batch);
      }
      return { outcome: received.outcome("ended") };
    } catch (error) {
      return { outcome: received.outcome("failed"), error };
    }
  })();
  return await Promise.race([reading, hung()]);
}

export function hung(): Promise<RunResult> {
  return new Promise((resolve) => setTimeout(resolve, HUNG, { outcome: "hung" }).unref());
}

/** A failure counts as one only where it is told in this package's terms; otherwise the result is lost. */
export function judged({ expected }: FaultClass, { outcome, error }: RunResult): Outcome {
  if (outcome !== "failed") return outcome;
  const codes = expected === "exact" ? undefined : expected;
  if (!(error instanceof SparkStreamError)) return "lost";
  return codes === undefined || codes.includes(error.code) ? "failed" : "lost";
}

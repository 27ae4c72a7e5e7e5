import { once } from "node:events";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type DataFrame, type SparkSession } from "../connect/index.js";
import { SparkStreamError } from "../errors.js";
import { version } from "../version.js";
import { amount, megabytes, rate } from "./amounts.js";
import { type Command, parseCommand } from "./command.js";
import { help } from "./help.js";
import type { IntoCommand } from "./into/into-command.js";
import { write } from "./output.js";
import { showProgress } from "./progress-bar.js";
import { readQuery } from "./query-text.js";
import { showWaiting } from "./waiting.js";

/** The exit codes of the process. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  of: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => 128 + constants.signals[signal],
} as const;

/**
 * Runs the command line.
 *
 * @param interrupted its reason is the signal that was received
 * @returns the exit code; never rejects
 */
export async function run(args: readonly string[], interrupted: AbortSignal): Promise<number> {
  let work: () => Promise<void>;
  try {
    const parsed = parseCommand(args);
    if (parsed === "help" || parsed === "version") {
      process.stdout.write(parsed === "help" ? help : `${version}\n`);
      return exitCode.done;
    }
    if ("into" in parsed) work = () => fill(parsed, interrupted);
    else {
      const query = await queryOf(parsed);
      work = () => stream(parsed, query, interrupted);
    }
    if (parsed.url === undefined && !process.env.SPARK_REMOTE) {
      throw new SparkStreamError("INVALID_ARGUMENT", "Give --remote or --local, or set SPARK_REMOTE. See --help.");
    }
  } catch (error) {
    say((error as Error).message);
    return exitCode.usage;
  }
  try {
    await Promise.race([work(), rejection(interrupted, STOP_GRACE_MS)]);
    return interrupted.aborted ? exitCode.of(interrupted.reason) : exitCode.done;
  } catch (error) {
    if (interrupted.aborted) return exitCode.of(interrupted.reason);
    // The reader of standard output has closed it.
    if (error instanceof SparkStreamError && error.code === "TARGET_CLOSED") return exitCode.done;
    say(described(error));
    return exitCode.failed;
  }
}

type Query = (session: SparkSession) => DataFrame;

async function stream(command: Command, query: Query, interrupted: AbortSignal): Promise<void> {
  // Nothing has to be undone before there is a session: a local Spark ends with this process.
  await using session = await Promise.race([opened(command), rejection(interrupted, 0)]);
  const frame = query(session);
  const begin = performance.now();
  const writing = write(command.limit === undefined ? frame : frame.limit(command.limit), command, interrupted);
  writing.done.catch(() => {}); // it may fail before it is awaited
  // A bar and data on one terminal would mix.
  const bar = !command.quiet && process.stderr.isTTY && !(command.output === "-" && process.stdout.isTTY);
  const hide = bar ? await showProgress(writing.stream) : () => {};
  try {
    await writing.done;
  } finally {
    hide();
    // A pipeline does not wait until Spark has stopped the job.
    if (!writing.stream.closed) await once(writing.stream, "close");
  }
  if (command.quiet) return;
  const { rows, bytes } = writing.stream.metrics;
  const ms = performance.now() - begin;
  const where = command.output === "-" ? "" : ` are in ${command.output}`;
  say(
    `${amount(rows)} rows${where}: ${megabytes(bytes)} of Arrow data in ${(ms / 1000).toFixed(1)} s, ${rate(bytes, ms)}`,
  );
}

async function fill(command: IntoCommand, interrupted: AbortSignal): Promise<void> {
  await using session = await Promise.race([opened(command), rejection(interrupted, 0)]);
  const { writeInto } = await import("./into/into.js");
  const begin = performance.now();
  const rows = await writeInto(session, command, interrupted);
  if (command.quiet) return;
  const { table, path } = command.into;
  const from = command.input === "-" ? "" : ` of ${command.input}`;
  say(`${amount(rows)} rows${from} are in ${table ?? path}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}

async function opened({ url, connectTimeoutMs, quiet }: Command | IntoCommand): Promise<SparkSession> {
  const remote = url ?? process.env.SPARK_REMOTE ?? "";
  const hide = quiet || !remote.startsWith("sc://") ? () => {} : showWaiting(remote);
  try {
    return await connect(url, connectTimeoutMs === undefined ? {} : { connectTimeoutMs });
  } finally {
    hide();
  }
}

async function queryOf({ query, params }: Command): Promise<Query> {
  if ("table" in query) return (session) => session.table(query.table);
  const sql = "sql" in query ? query.sql : await readQuery(query.file);
  return (session) => session.sql(sql, params);
}

/** The most time, in ms, for stopping an interrupted query on Spark and removing its file. */
const STOP_GRACE_MS = 10_000;

/** Rejects `ms` after the interrupt, with its reason. */
function rejection(interrupted: AbortSignal, ms: number): Promise<never> {
  const rejected = once(interrupted, "abort").then(async () => {
    await sleep(ms, undefined, { ref: false });
    throw interrupted.reason;
  });
  rejected.catch(() => {}); // it may reject when nobody waits any longer
  return rejected;
}

function described(error: unknown): string {
  if (!(error instanceof SparkStreamError)) return String((error as Error)?.stack ?? error);
  const context = error.queryContext?.find(({ summary }) => summary && !error.message.includes(summary))?.summary;
  return `${error.message} [${error.code}]${context ? `\n${context.trim()}` : ""}`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

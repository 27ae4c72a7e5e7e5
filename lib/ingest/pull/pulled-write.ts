/**
 * A write whose tasks fetch their rows from this process.
 *
 *   begin    listens, has a probe show that tasks can connect, and starts the query
 *   add      tasks ask for it
 *   finish   the query ends when its tasks have taken all
 *   stop     interrupts the query
 */
import type { Socket } from "node:net";
import type { Schema } from "apache-arrow";
import type { LocalPart } from "../../connect/local-data/local-rows.js";
import { mapInArrow } from "../../connect/python/python-function.js";
import type { WriteMode } from "../../connect/session/dataframe-writer.js";
import { quotedName } from "../../connect/session/quoted-name.js";
import type { SparkSession } from "../../connect/session/session.js";
import { sqlType } from "../../connect/session/sql-type.js";
import { incompleteResult, SparkStreamError, sessionClosed } from "../../errors.js";
import { AbortError, atMost } from "../../runtime/abort.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { taskAddress } from "../../tasks/address.js";
import { createCertificate } from "../../tasks/certificate.js";
import { type Claim, PROBE } from "../../tasks/claim.js";
import { explainTask, type Purpose } from "../../tasks/explain-task.js";
import { TaskListener } from "../../tasks/listener.js";
import { Secret } from "../../tasks/proof.js";
import { probeReach } from "../../tasks/reach-probe.js";
import type { SocketReader } from "../../tasks/socket-reader.js";
import type { LinkSettings } from "../../tasks/task-source.js";
import { type PullOptions, writeDefaults } from "../../write-options.js";
import type { Ingest, WriteFrame, WriterMetrics } from "../ingest.js";
import { partEncoder } from "./encoded-part.js";
import { Feed } from "./feed.js";
import { TaskFeed } from "./task-feed.js";
import { pullTask } from "./task-source.js";

/** s that the probe and a task try to connect. */
const CONNECT_TIMEOUT_S = 3;
/** Rows of the frame whose tasks fetch, if there are not more tasks. The first number of each part says which part it is. */
const RANGE_ROWS = 4096;
/** ms that tasks of an interrupted query have to end by themselves before their connections are closed. */
const GRACE = 1_000;

/** ms that a failed stream tells tasks why it has failed. */
const LINGER = 30_000;

const pulling: Purpose = {
  name: 'delivery: "pull"',
  option: "pull",
  what: "fetch from this process",
  instead: 'delivery: "upload", which needs no connection back and no Python',
};

export interface PulledWriteOptions extends Pick<RunOptions, "tags"> {
  readonly pull?: PullOptions | undefined;
  readonly readAheadBytes?: number | undefined;
  readonly mode?: WriteMode | undefined;
  /** Whether `write` runs no query, but gives the frame to one of the user. */
  readonly isForOthers?: boolean | undefined;
}

export class PulledWrite implements Ingest {
  readonly #session: SparkSession;
  readonly #options: PulledWriteOptions;
  readonly #write: WriteFrame;
  readonly #onFailure: (error: Error) => void;
  readonly #secret = new Secret();
  readonly #stop = new AbortController();
  readonly #feed: Feed;
  readonly #forget: () => void;
  #encode!: ReturnType<typeof partEncoder>;
  #listener: TaskListener | undefined;
  #query: Promise<void> = Promise.resolve();
  /** What the write fails with. */
  #failure: Error | undefined;
  #stopped: Promise<void> | undefined;

  /** @param onFailure called once, with what made the write impossible */
  constructor(
    session: SparkSession,
    options: PulledWriteOptions,
    write: WriteFrame,
    onFailure: (error: Error) => void,
  ) {
    session.checkOpen();
    this.#session = session;
    this.#options = options;
    this.#write = write;
    this.#onFailure = onFailure;
    const { readAheadBytes: limit = writeDefaults.readAheadBytes, pull, isForOthers: idles = false } = options;
    this.#feed = new Feed({ limit, spool: pull?.spool ?? false, idles }, (error) => this.#fail(error));
    this.#forget = session.beforeClose(async () => {
      this.#fail(sessionClosed());
      await this.stop();
      await this.#close();
    });
  }

  get metrics(): WriterMetrics {
    const { rows, batches, bytes } = this.#feed;
    return { rows, batches, bytes };
  }

  /** @throws SparkStreamError UNSUPPORTED_TYPE, INVALID_ARGUMENT, PORT_IN_USE, UNREACHABLE, UNSUPPORTED */
  async begin(schema: Schema): Promise<void> {
    this.#encode = partEncoder(schema);
    const session = this.#session;
    const { pull = {}, tags } = this.#options;
    const { signal } = this.#stop;
    const [columns, tasks, settings] = await Promise.all([
      this.#structOf(schema),
      pull.tasks ?? this.#parallelism(),
      this.#reachable(pull),
    ]);
    signal.throwIfAborted();
    const range = session.range(0, Math.max(RANGE_ROWS, tasks), 1, tasks);
    const frame = mapInArrow(range, pullTask(settings, columns), pulling, async () => ["id"]);
    this.#query = this.#write(frame, { ...(tags && { tags }), signal }, []).catch((error) => {
      this.#fail(explainTask(error, pulling) as Error);
      throw this.#failure;
    });
    // It may end before the stream does; finish() rejects with its error.
    this.#query.then(
      () => this.#endedEarly(),
      () => {},
    );
  }

  /** Settles when there is room for more. @throws SparkStreamError what the write fails with */
  async add(part: LocalPart): Promise<void> {
    if (this.#failure) throw this.#failure;
    await this.#feed.add(this.#encode(part));
    if (this.#failure) throw this.#failure;
  }

  /** Settles when Spark has committed. @throws SparkStreamError QUERY_FAILED, UNREACHABLE, INPUT_LOST, … */
  async finish(): Promise<void> {
    this.#feed.end();
    await this.#query;
    if (this.#failure) throw this.#failure;
    const { missing } = this.#feed;
    if (missing !== undefined && !this.#ignored) throw incompleteResult(missing);
    await this.#close();
  }

  /** With mode "ignore" Spark does nothing if the target exists. */
  get #ignored(): boolean {
    return this.#options.mode === "ignore" && this.#feed.untouched;
  }

  #endedEarly(): void {
    if (this.#feed.ended) return;
    if (this.#ignored)
      void this.#feed.close(); // and what still comes is dropped
    else this.#fail(incompleteResult("Spark ended the write before the stream had ended"));
  }

  /** Interrupts the query, if it runs. Never rejects. */
  stop(reason?: Error | null): Promise<void> {
    if (!this.#stopped) {
      if (reason) this.#feed.refuse(isLost(reason) ? reason.message : `The stream has failed: ${reason.message}`);
      this.#stopped = this.#interrupt(reason);
      this.#session.client.trackStop(this.#stopped);
    }
    return this.#stopped;
  }

  async #interrupt(reason: Error | null | undefined): Promise<void> {
    this.#failure ??= new SparkStreamError("OPERATION_CANCELED", "The write was stopped.");
    this.#stop.abort(this.#failure);
    const cutOff = setTimeout(() => this.#listener?.close(), GRACE);
    await this.#query.catch(() => {});
    // Some may be of another query, and have been told why they get no rows.
    await atMost(GRACE, this.#feed.empty());
    clearTimeout(cutOff);
    if (!reason || !this.#options.isForOthers) return await this.#close();
    // A task that comes later is told, too: it is of a query whose error would be that nobody listens.
    this.#listener?.unref();
    setTimeout(() => void this.#close(), LINGER).unref();
  }

  async #close(): Promise<void> {
    this.#secret.forget();
    await Promise.all([this.#listener?.close(), this.#feed.close()]);
    this.#forget();
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    void this.#feed.close();
    if (!(error instanceof AbortError)) this.#onFailure(error);
  }

  async #reachable(pull: PullOptions): Promise<LinkSettings> {
    const settings = await this.#listen(pull);
    const run = { tags: this.#options.tags, signal: this.#stop.signal };
    await probeReach(this.#session, pull.advertise ?? settings.host, settings, run, pulling);
    return settings;
  }

  /** As many tasks as Spark would make now: a number in the plan, so that its parts are the same however often Spark reads them. */
  async #parallelism(): Promise<number> {
    const { tags } = this.#options;
    const last = this.#session.range(0, RANGE_ROWS).select("spark_partition_id() AS task");
    const [row] = await last.tail<{ task: number }>(1, { ...(tags && { tags: [...tags] }), signal: this.#stop.signal });
    return (row?.task ?? 0) + 1;
  }

  /** Spark's own type of the rows. */
  async #structOf(schema: Schema) {
    const ddl = schema.fields.map((field) => {
      const text = sqlType(field);
      if (text) return `${quotedName(String(field.name))} ${text}${field.nullable ? "" : " NOT NULL"}`;
      const message = `Column \`${field.name}\` has the type ${field.type}, which a task cannot give to Spark. Cast it before.`;
      throw new SparkStreamError("UNSUPPORTED_TYPE", message);
    });
    const parsing = { case: "ddlParse" as const, value: { ddlString: ddl.join(", ") } };
    const { parsed } = await this.#session.client.analyze(parsing, { signal: this.#stop.signal });
    if (parsed) return parsed;
    throw new SparkStreamError("UNSUPPORTED", "The server does not read a schema (AnalyzePlan, DDLParse).");
  }

  async #listen(pull: PullOptions): Promise<LinkSettings> {
    const { host, port, tls, advertised } = await taskAddress(pull, this.#session.client.endpoint, "pull");
    const certificate = tls ? await createCertificate() : undefined;
    this.#stop.signal.throwIfAborted();
    const secret = this.#secret;
    const onTask = ({ partition }: Claim, socket: Socket, reader: SocketReader) => {
      if (partition === PROBE) socket.end();
      else void new TaskFeed(partition, socket, reader).serve(this.#feed);
    };
    this.#listener = await TaskListener.open({ host, port, secret, certificate, option: "pull", onTask });
    if (this.#stop.signal.aborted) await this.#listener.close();
    this.#stop.signal.throwIfAborted();
    const { fingerprint = "" } = certificate ?? {};
    const { port: toldPort, host: toldHost } = advertised(this.#listener.port);
    return { host: toldHost, port: toldPort, secret: secret.hex, fingerprint, patience: CONNECT_TIMEOUT_S };
  }
}

function isLost(error: Error): boolean {
  return error instanceof SparkStreamError && error.code === "INPUT_LOST";
}

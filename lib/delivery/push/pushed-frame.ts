/**
 * Delivery "push": the tasks of the query send their batches directly to this process, bypassing the driver.
 *
 *   open     finds an address and listens on it; a probe shows that tasks can connect to it
 *   run      runs the query (push-query.ts): its tasks connect to the listener, prove that they know the secret, and send;
 *            each is served by a TaskConnection and its partition by a Share
 *   check    when Spark reports that all tasks have ended, compares its totals with the batches that arrived
 *
 * The frame is common to all its shares. It ends with the last of them, or with the session.
 */
import type { Socket } from "node:net";
import { CODEC_CONF } from "../../connect/rpc/stream-limits.js";
import { settingOr } from "../../connect/session/conf.js";
import type { DataFrame } from "../../connect/session/session.js";
import { SparkStreamError, sessionClosed } from "../../errors.js";
import { type PushOptions, type SparkStreamOptions, streamDefaults } from "../../stream-options.js";
import { type Claim, PROBE } from "../../tasks/claim.js";
import type { TaskListener } from "../../tasks/listener.js";
import { Secret } from "../../tasks/proof.js";
import type { SocketReader } from "../../tasks/socket-reader.js";
import { queryConf } from "../query-conf.js";
import { ResultReport } from "../result/result-report.js";
import { pushing } from "./purpose.js";
import type { PushQuery } from "./push-query.js";
import type { QueuedPartition } from "./queued-partition.js";
import { Share } from "./share.js";
import { relieveStarvation } from "./starvation.js";
import type { TaskConnection } from "./task-connection.js";
import type { PushSettings } from "./task-source.js";

export interface PushedFrameOptions
  extends Pick<SparkStreamOptions, "tags" | "maxRecordsPerBatch" | "compression">,
    Pick<Required<SparkStreamOptions>, "push" | "readAheadBytes"> {
  /** The number of shares. */
  count: number;
}

/**
 * s for which the probe and a task try to connect; a later attempt tries for less if nobody listens (task-source.ts).
 */
const CONNECT_TIMEOUT_S = 3;
/** ms between two checks for starving shares. */
const CHECK_INTERVAL_MS = 250;
/** ms that tasks of an interrupted query have to end by themselves before their connections are closed. */
const GRACE = 1_000;

export class PushedFrame {
  readonly shares: readonly Share[];
  readonly #dataFrame: DataFrame;
  readonly #options: PushedFrameOptions;
  readonly #secret = new Secret();
  readonly #partitions = new Map<number, QueuedPartition>();
  readonly #open = new Set<Share>();
  readonly #stop = new AbortController();
  readonly #report = new ResultReport();
  readonly #forget: () => void;
  #listener: TaskListener | undefined;
  #query: PushQuery | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #run: Promise<void>;
  #closing: Promise<void> | undefined;

  /** Begins at once. @throws SparkStreamError SESSION_CLOSED */
  constructor(dataFrame: DataFrame, options: PushedFrameOptions) {
    const { session } = dataFrame;
    session.checkOpen();
    this.#dataFrame = dataFrame;
    this.#options = options;
    const { count, readAheadBytes: limit, push } = options;
    const { order = streamDefaults.push.order, spool = streamDefaults.push.spool } = push;
    const shared = { limit, order, spool, count, report: this.#report, onClose: (share: Share) => this.#leave(share) };
    this.shares = Array.from({ length: count }, (_, index) => new Share({ ...shared, index }));
    for (const share of this.shares) this.#open.add(share);
    this.#forget = session.beforeClose(() => this.#close());
    this.#run = this.#start().catch((error: unknown) => this.#fail(error));
  }

  async #start(): Promise<void> {
    const { session } = this.#dataFrame;
    const { push, maxRecordsPerBatch, tags, compression } = this.#options;
    const { signal } = this.#stop;
    // Loaded only here, with apache-arrow and TLS, which take long to load.
    const [{ boundsOf }, { pushable }, { probeReach }, { PushQuery }] = await Promise.all([
      import("./batch-bounds.js"),
      import("./pushable.js"),
      import("../../tasks/reach-probe.js"),
      import("./push-query.js"),
    ]);
    const [{ frame, fields, schema }, codec] = await Promise.all([
      pushable(this.#dataFrame, { tags, signal }),
      compression ?? settingOr(session.conf, CODEC_CONF, "none", { signal }),
    ]);
    const settings: PushSettings = {
      ...(await this.#listen(push)),
      patience: CONNECT_TIMEOUT_S,
      codec: codec === "none" ? "" : codec,
      schema: Buffer.from(schema).toString("base64"),
    };
    const [{ bounds }] = await Promise.all([
      boundsOf(session.conf, fields, maxRecordsPerBatch, { signal }),
      probeReach(session, push.advertise ?? settings.host, settings, { tags, signal }, pushing),
    ]);
    signal.throwIfAborted();
    const query = new PushQuery(frame, settings, { conf: queryConf(bounds), tags, usesPython: true }, this.#report);
    this.#query = query;
    this.#timer = setInterval(() => relieveStarvation(this.shares), CHECK_INTERVAL_MS).unref();
    await query.run();
    query.check(new Map([...this.#partitions].map(([id, { state }]) => [id, state])));
    for (const share of this.shares) share.end({ arrow_ipc_bytes: schema, rowCount: 0 });
  }

  /** @returns the settings that tasks need to connect */
  async #listen(push: PushOptions): Promise<Pick<PushSettings, "host" | "port" | "secret" | "fingerprint">> {
    const [{ taskAddress }, { createCertificate }, { TaskListener }, { TaskConnection }] = await Promise.all([
      import("../../tasks/address.js"),
      import("../../tasks/certificate.js"),
      import("../../tasks/listener.js"),
      import("./task-connection.js"),
    ]);
    const { host, port, tls, advertised } = await taskAddress(push, this.#dataFrame.session.client.endpoint, "push");
    const certificate = tls ? await createCertificate() : undefined;
    this.#stop.signal.throwIfAborted();
    const secret = this.#secret;
    const onTask = ({ partition, attempt }: Claim, socket: Socket, reader: SocketReader) => {
      if (partition === PROBE) socket.end();
      else void this.#serve(partition, new TaskConnection(attempt, socket, reader));
    };
    this.#listener = await TaskListener.open({ host, port, secret, certificate, option: "push", onTask });
    const { fingerprint = "" } = certificate ?? {};
    return { ...advertised(this.#listener.port), secret: secret.hex, fingerprint };
  }

  async #serve(id: number, task: TaskConnection): Promise<void> {
    const share = this.shares[id % this.shares.length]!;
    const partition = this.#partitions.get(id) ?? share.add(id);
    this.#partitions.set(id, partition);
    try {
      await task.serve(partition, share);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    for (const share of this.shares) share.fail(error);
  }

  async #leave(share: Share): Promise<void> {
    this.#open.delete(share);
    if (this.#open.size === 0) await this.#close();
  }

  #close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = this.#end();
      this.#dataFrame.session.client.trackStop(this.#closing.catch(() => {}));
    }
    return this.#closing;
  }

  /** Ends the query first, so that its tasks are stopped and do not fail. */
  async #end(): Promise<void> {
    this.#fail(sessionClosed());
    this.#stop.abort(new SparkStreamError("OPERATION_CANCELED", "The stream was stopped."));
    clearInterval(this.#timer);
    const cutOff = setTimeout(() => this.#listener?.close(), GRACE);
    await this.#query?.close();
    await this.#run;
    clearTimeout(cutOff);
    this.#secret.forget();
    await this.#listener?.close();
    this.#forget();
  }
}

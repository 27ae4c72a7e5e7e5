/**
 * Delivery "stored": the tasks of the query write their partitions into a store, and this process reads them from there.
 *
 *   open     makes a directory in the store; a probe shows that tasks can write to it, and this process can read it
 *   run      runs the query (stored-query.ts): each row of its result names the files of a finished task, which go to a share
 *   remove   removes the directory, with the files of failed attempts, unless it is to be kept
 *
 * The frame is common to all its shares. It ends with the last of them, or with the session.
 */
import type { DataFrame } from "../../connect/session/session.js";
import { SparkStreamError, sessionClosed } from "../../errors.js";
import { openStore, type Store, type StoreLocation } from "../../store/store.js";
import { newDirectory, removeExpired } from "../../store/stream-directory.js";
import { type SparkStreamOptions, type StoredOptions, streamDefaults } from "../../stream-options.js";
import { queryConf } from "../query-conf.js";
import { ResultReport } from "../result/result-report.js";
import type { StoredQuery } from "./stored-query.js";
import { StoredShare } from "./stored-share.js";

export interface StoredFrameOptions
  extends Pick<SparkStreamOptions, "tags" | "maxRecordsPerBatch" | "compression">,
    Pick<Required<SparkStreamOptions>, "readAheadBytes"> {
  store: Store | StoreLocation;
  stored: StoredOptions;
  /** The number of shares. */
  count: number;
}

/** The most bytes of a file. */
const PART_BYTES = 64 * 1024 * 1024;

export class StoredFrame {
  readonly shares: readonly StoredShare[];
  readonly #dataFrame: DataFrame;
  readonly #options: StoredFrameOptions;
  readonly #order: "partition" | "arrival";
  readonly #keep: boolean;
  readonly #directory: string;
  readonly #open = new Set<StoredShare>();
  readonly #stop = new AbortController();
  readonly #report = new ResultReport();
  readonly #forget: () => void;
  readonly #ended: () => void;
  #store: Store | undefined;
  #query: StoredQuery | undefined;
  readonly #run: Promise<void>;
  #closing: Promise<void> | undefined;

  /** Begins at once. @throws SparkStreamError SESSION_CLOSED */
  constructor(dataFrame: DataFrame, options: StoredFrameOptions) {
    const { session } = dataFrame;
    session.checkOpen();
    this.#dataFrame = dataFrame;
    this.#options = options;
    const { count, readAheadBytes: limit, stored } = options;
    const { order = streamDefaults.stored.order, keep = streamDefaults.stored.keep } = stored;
    this.#order = order;
    this.#keep = keep;
    this.#directory = newDirectory(keep);
    const shared = { limit, order, report: this.#report, onClose: (share: StoredShare) => this.#leave(share) };
    this.shares = Array.from({ length: count }, () => new StoredShare(shared));
    for (const share of this.shares) this.#open.add(share);
    this.#forget = session.beforeClose(() => this.#close());
    this.#ended = session.client.trackRun(() => this.#remove());
    this.#run = this.#start().catch((error: unknown) => this.#fail(error));
  }

  async #start(): Promise<void> {
    const { session } = this.#dataFrame;
    const { maxRecordsPerBatch, tags, compression = "zstd" } = this.#options;
    const { signal } = this.#stop;
    // Loaded only here, with apache-arrow, which takes long to load.
    const [{ boundsOf }, { pushable }, { probeStore }, { StoredQuery }] = await Promise.all([
      import("../push/batch-bounds.js"),
      import("../push/pushable.js"),
      import("./store-probe.js"),
      import("./stored-query.js"),
    ]);
    const store = await openStore(this.#options.store);
    const { frame, fields, schema } = await pushable(this.#dataFrame, { tags, signal });
    signal.throwIfAborted();
    await this.#create(store);
    const { filesystem, path } = store.executors;
    const place = { filesystem, directory: `${path}/${this.#directory}` };
    const here = { store, directory: this.#directory };
    const [bounds] = await Promise.all([
      boundsOf(session.conf, fields, maxRecordsPerBatch, { signal }),
      probeStore(session, here, place, { tags, signal }),
    ]);
    signal.throwIfAborted();
    void removeExpired(store);
    const settings = {
      ...place,
      codec: compression === "none" ? "" : compression,
      schema: Buffer.from(schema).toString("base64"),
      limit: PART_BYTES,
    };
    this.#query = new StoredQuery(frame, settings, { conf: queryConf(bounds), tags }, this.#report);
    for await (const partition of this.#query.partitions(this.#order)) {
      this.shares[partition.id % this.shares.length]!.add(here, partition);
    }
    for (const share of this.shares) share.end({ arrow_ipc_bytes: schema, rowCount: 0 });
  }

  /** @throws SparkStreamError STORE_FAILED */
  async #create(store: Store): Promise<void> {
    this.#store = store;
    try {
      await store.create?.(this.#directory);
    } catch (error) {
      const message = `This process cannot make a directory in the store ${store.uri}: ${(error as Error).message}`;
      throw new SparkStreamError("STORE_FAILED", message, { cause: error });
    }
  }

  #fail(error: unknown): void {
    for (const share of this.shares) share.fail(error);
  }

  async #leave(share: StoredShare): Promise<void> {
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

  /** Ends the query first, so that its tasks are stopped, and then the reads. */
  async #end(): Promise<void> {
    this.#fail(sessionClosed());
    this.#stop.abort(new SparkStreamError("OPERATION_CANCELED", "The stream was stopped."));
    await this.#query?.close();
    await this.#run;
    await Promise.all(this.shares.map((share) => share.stop()));
    await this.#remove();
    this.#ended();
    this.#forget();
  }

  async #remove(): Promise<void> {
    if (!this.#store || this.#keep) return;
    try {
      await this.#store.remove(this.#directory);
    } catch (error) {
      const message = `${this.#store.uri}/${this.#directory} could not be removed, remove it yourself: ${(error as Error).message}`;
      process.emitWarning(message, { type: "SparkStreamWarning", code: "STORED_FILES_LEFT" });
    }
  }
}

/**
 * One query that stores its result.
 *
 *   open     makes a directory in the store; a probe shows that tasks can write to it, and this process can read it
 *   run      runs the query (stored-query.ts): each row of its result names the files of a finished task
 *   remove   removes the directory, with the files of failed attempts, and once more where a task may still have been writing
 */
import { setTimeout as sleep } from "node:timers/promises";
import { settingOr } from "../../connect/session/conf.js";
import type { DataFrame } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import { openStore } from "../../store/open-store.js";
import type { Store, StoreLocation } from "../../store/store.js";
import { newDirectory, removeExpired } from "../../store/stream-directory.js";
import type { SparkStreamOptions } from "../../stream-options.js";
import { queryConf } from "../query-conf.js";
import type { ResultReport } from "../result/result-report.js";
import type { StoredPartition } from "./stored-file.js";
import type { StoredQuery } from "./stored-query.js";
import type { StoredPlace } from "./stored-share.js";

export interface StoringOptions extends Pick<SparkStreamOptions, "tags" | "maxRecordsPerBatch" | "compression"> {
  store: Store | StoreLocation;
  order: "partition" | "arrival";
  /** Whether the files are to outlive the query and the streams after it. */
  keep: boolean;
}

/** The most bytes of a file. */
const PART_BYTES = 64 * 1024 * 1024;
/** ms after which no task writes that Spark has stopped: it ends their Python workers after two seconds. */
const LATE = 2_500;

export class Storing {
  readonly #dataFrame: DataFrame;
  readonly #options: StoringOptions;
  readonly #report: ResultReport;
  readonly #directory: string;
  #store: Store | undefined;
  #schema: Uint8Array | undefined;
  #query: StoredQuery | undefined;
  /** Whether tasks may be writing when the query is over: it was stopped, or a task had a twin. */
  #mayBeLate = false;

  constructor(dataFrame: DataFrame, options: StoringOptions, report: ResultReport) {
    this.#dataFrame = dataFrame;
    this.#options = options;
    this.#report = report;
    this.#directory = newDirectory(options.keep);
  }

  /** Where the files are. Known with the first partition. */
  get place(): StoredPlace {
    return { store: this.#store!, directory: this.#directory };
  }

  /** An Arrow IPC stream without a batch. Known with the first partition. */
  get schema(): Uint8Array {
    return this.#schema!;
  }

  /** Runs the query, and gives the partitions as their tasks end. @throws SparkStreamError STORE_FAILED and others */
  async *partitions(signal: AbortSignal): AsyncGenerator<StoredPartition, void> {
    const { session } = this.#dataFrame;
    const { maxRecordsPerBatch, tags, compression = "zstd", order } = this.#options;
    // Loaded only here, with apache-arrow, which takes long to load.
    const [{ boundsOf }, { pushable }, { probeStore }, { StoredQuery }] = await Promise.all([
      import("../push/batch-bounds.js"),
      import("../push/pushable.js"),
      import("./store-probe.js"),
      import("./stored-query.js"),
    ]);
    const store = await openStore(this.#options.store);
    const { frame, fields, schema } = await pushable(this.#dataFrame, { tags, signal });
    this.#schema = schema;
    signal.throwIfAborted();
    await this.#create(store);
    const { filesystem, path } = store.executors;
    const place = { filesystem, directory: `${path}/${this.#directory}` };
    const [{ bounds, mostRows }, speculates] = await Promise.all([
      boundsOf(session.conf, fields, maxRecordsPerBatch, { signal }),
      settingOr(session.conf, "spark.speculation", "false", { signal }),
      probeStore(session, this.place, place, { tags, signal }),
    ]);
    signal.throwIfAborted();
    void removeExpired(store);
    const settings = {
      ...place,
      codec: compression === "none" ? "" : compression,
      schema: Buffer.from(schema).toString("base64"),
      rows: Math.min(mostRows, Number.MAX_SAFE_INTEGER),
      limit: PART_BYTES,
    };
    this.#query = new StoredQuery(frame, settings, { conf: queryConf(bounds), tags, usesPython: true }, this.#report);
    this.#mayBeLate = true;
    yield* this.#query.partitions(order);
    this.#mayBeLate = speculates === "true";
  }

  /** Ends the query, so that its tasks are stopped. */
  async close(): Promise<void> {
    await this.#query?.close();
  }

  async remove(): Promise<void> {
    const store = this.#store;
    if (!store) return;
    await this.#removeFrom(store);
    // A bucket takes files of a directory that is gone; a file system does not.
    if (!this.#mayBeLate || store.uri.startsWith("file:")) return;
    this.#dataFrame.session.client.trackStop(sleep(LATE).then(() => this.#removeFrom(store)));
  }

  async #removeFrom(store: Store): Promise<void> {
    try {
      await store.remove(this.#directory);
    } catch (error) {
      const message = `${store.uri}/${this.#directory} could not be removed, remove it yourself: ${(error as Error).message}`;
      process.emitWarning(message, { type: "SparkStreamWarning", code: "STORED_FILES_LEFT" });
    }
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
}

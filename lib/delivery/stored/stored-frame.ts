/**
 * Delivery "stored": the tasks of the query write their partitions into a store (storing.ts), and this process reads them from
 * there, as soon as their tasks have ended.
 *
 * The frame is common to all its shares. It ends with the last of them, or with the session.
 */
import type { DataFrame } from "../../connect/session/session.js";
import { SparkStreamError, sessionClosed } from "../../errors.js";
import type { Store, StoreLocation } from "../../store/store.js";
import { type SparkStreamOptions, type StoredOptions, streamDefaults } from "../../stream-options.js";
import { ResultReport } from "../result/result-report.js";
import { StoredShare } from "./stored-share.js";
import { Storing } from "./storing.js";

export interface StoredFrameOptions
  extends Pick<SparkStreamOptions, "tags" | "maxRecordsPerBatch" | "compression">,
    Pick<Required<SparkStreamOptions>, "readAheadBytes"> {
  store: Store | StoreLocation;
  stored: StoredOptions;
  /** The number of shares. */
  count: number;
}

export class StoredFrame {
  readonly shares: readonly StoredShare[];
  readonly #dataFrame: DataFrame;
  readonly #keep: boolean;
  readonly #storing: Storing;
  readonly #open = new Set<StoredShare>();
  readonly #stop = new AbortController();
  readonly #forget: () => void;
  readonly #ended: () => void;
  readonly #run: Promise<void>;
  #closing: Promise<void> | undefined;

  /** Begins at once. @throws SparkStreamError SESSION_CLOSED */
  constructor(dataFrame: DataFrame, options: StoredFrameOptions) {
    const { session } = dataFrame;
    session.checkOpen();
    this.#dataFrame = dataFrame;
    const { count, readAheadBytes: limit, stored } = options;
    const { order = streamDefaults.stored.order, keep = streamDefaults.stored.keep } = stored;
    const report = new ResultReport();
    this.#keep = keep;
    this.#storing = new Storing(dataFrame, { ...options, order, keep }, report);
    const shared = { limit, order, report, onClose: (share: StoredShare) => this.#leave(share) };
    this.shares = Array.from({ length: count }, () => new StoredShare(shared));
    for (const share of this.shares) this.#open.add(share);
    this.#forget = session.beforeClose(() => this.#close());
    this.#ended = session.client.trackRun(() => this.#remove());
    this.#run = this.#start().catch((error: unknown) => this.#fail(error));
  }

  async #start(): Promise<void> {
    for await (const partition of this.#storing.partitions(this.#stop.signal)) {
      this.shares[partition.id % this.shares.length]!.add(this.#storing.place, partition);
    }
    for (const share of this.shares) share.end({ arrow_ipc_bytes: this.#storing.schema, rowCount: 0 });
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
    await this.#storing.close();
    await this.#run;
    await Promise.all(this.shares.map((share) => share.stop()));
    await this.#remove();
    this.#ended();
    this.#forget();
  }

  async #remove(): Promise<void> {
    if (!this.#keep) await this.#storing.remove();
  }
}

/**
 * A run of windows of a staged frame, copied off it. A query cannot name a partition so that Spark leaves the others
 * alone: each window reads the whole staged frame and drops the other partitions, which for many windows is a multiple of the
 * frame. With about as many sections as there are windows in each, a window reads a section only.
 *
 * Disk: a section, while its windows are read, and the next one.
 */

import type { DataFrame } from "../../connect/session/session.js";
import { untilAborted } from "../../runtime/abort.js";
import { CheckpointedFrame } from "./checkpointed-frame.js";
import type { StagedPartition } from "./partition-windows.js";
import type { StagedFrame } from "./staged-frame.js";

/** With fewer windows, copies cost more than they save. */
const FEW_WINDOWS = 8;

/** Windows per section. */
export function sectionLength(windows: number): number {
  return windows <= FEW_WINDOWS ? Number.POSITIVE_INFINITY : Math.ceil(Math.sqrt(windows));
}

export class StagedSection {
  readonly #stage: StagedFrame;
  readonly #partitions: readonly StagedPartition[];
  readonly #stop = new AbortController();
  #checkpoint: Promise<CheckpointedFrame> | undefined;
  #removed: Promise<void> | undefined;

  constructor(stage: StagedFrame, windows: readonly (readonly StagedPartition[])[]) {
    this.#stage = stage;
    this.#partitions = windows.flat();
  }

  /** The rows of these partitions, which are of the section. The first query of a section makes the copy. */
  rowsOf(partitions: readonly StagedPartition[]): DataFrame {
    const source = this.#stage.rowsOf(this.#partitions);
    const { options } = this.#stage;
    return source.withPlan(async (use) => {
      this.#checkpoint ??= CheckpointedFrame.of(source, { tags: options.tags, signal: this.#stop.signal });
      const checkpoint = await untilAborted(use.signal, this.#checkpoint);
      return checkpoint.rowsOf(partitions).relation(use);
    });
  }

  /** To be called when its windows were closed; may be called again. */
  remove(): Promise<void> {
    this.#removed ??= this.#remove();
    return this.#removed;
  }

  async #remove(): Promise<void> {
    this.#stop.abort();
    const checkpoint = await this.#checkpoint?.catch(() => undefined);
    await checkpoint?.remove(this.#stage.options.collectGarbage);
  }
}

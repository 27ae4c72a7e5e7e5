/**
 * Rows that can be told from their number alone, made here and by Spark alike, so that what arrives is compared with what
 * should have by content.
 */
import { Int64, type RecordBatch, Utf8, vectorFromArray } from "apache-arrow";
import { batchOf } from "../support/ipc.js";

const hashOf = (id: number) => (id * 7919) % 1_000_003;
const textOf = (id: number) =>
  id % 5 === 0 ? null : `row ${id} ${String.fromCharCode(97 + (id % 26)).repeat(id % 23)}`;

export function rowBatch(first: number, count: number): RecordBatch {
  const ids = Array.from({ length: count }, (_, index) => first + index);
  return batchOf({
    id: vectorFromArray(ids.map(BigInt), new Int64()),
    hash: vectorFromArray(
      ids.map((id) => BigInt(hashOf(id))),
      new Int64(),
    ),
    text: vectorFromArray(ids.map(textOf), new Utf8()),
  });
}

/** The same rows, made by Spark. */
export function rowQuery(count: number, partitions: number): string {
  const text = "IF(id % 5 = 0, NULL, concat('row ', id, ' ', repeat(chr(97 + id % 26), CAST(id % 23 AS INT))))";
  return `SELECT id, id * 7919 % 1000003 AS hash, ${text} AS text FROM range(0, ${count}, 1, ${partitions})`;
}

/** What became of a result: all of it, a clear error, or something that must not be ("left": files that nobody removes). */
export type Outcome = "exact" | "failed" | "lost" | "doubled" | "hung" | "left";

/** Takes what arrives, and says what it is. */
export class ReceivedRows {
  readonly #seen: Uint8Array;
  #next = 0;
  #doubled = false;
  /** Rows that are not what they should be, or not where they should be. */
  #wrong = false;

  readonly #ordered: boolean;

  /** @param count rows that there should be; by their ids, if it is `ordered` */
  constructor(count: number, { ordered = true } = {}) {
    this.#seen = new Uint8Array(count);
    this.#ordered = ordered;
  }

  get count(): number {
    return this.#next;
  }

  add(batch: RecordBatch): void {
    const [ids, hashes, texts] = ["id", "hash", "text"].map((name) => batch.getChild(name)!);
    for (let row = 0; row < batch.numRows; row++) {
      const id = Number(ids!.get(row));
      if (this.#seen[id]) this.#doubled = true;
      else if (this.#ordered && id !== this.#next) this.#wrong = true;
      if (Number(hashes!.get(row)) !== hashOf(id) || texts!.get(row) !== textOf(id)) this.#wrong = true;
      this.#seen[id] = 1;
      this.#next++;
    }
  }

  /** What came is in any case the beginning of the result, or of its partitions, and nothing else; where it ended well, all of it. */
  outcome(end: "ended" | "failed"): Outcome {
    if (this.#doubled) return "doubled";
    if (this.#wrong) return "lost";
    if (end === "failed") return "failed";
    return this.#next === this.#seen.length ? "exact" : "lost";
  }
}

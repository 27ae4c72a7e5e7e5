/** What a finished task reports, in the row that Spark delivers of it. */

/** A part of a partition: an Arrow IPC stream. */
export interface StoredFile {
  /** Relative to the stream's directory. */
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

export interface StoredPartition {
  readonly id: number;
  /** In the order of their rows; none if the partition is empty. */
  readonly files: readonly StoredFile[];
}

type FileRow = readonly [name: string, rows: number, bytes: number, sha256: string];

/** @param json the column "files" of a task's row */
export function filesOf(json: string): StoredFile[] {
  return (JSON.parse(json) as FileRow[]).map(([name, rows, bytes, sha256]) => ({ name, rows, bytes, sha256 }));
}

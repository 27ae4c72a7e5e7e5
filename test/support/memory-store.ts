// A store in memory, whose reads fail as a test wants them to.
import { createHash } from "node:crypto";
import type { StoredFile } from "../../lib/delivery/stored/stored-file.js";
import type { Store, StoreRange } from "../../lib/store/store.js";

/** How one read of a file goes wrong. */
export interface ReadFault {
  /** Bytes that come before. */
  readonly after: number;
  /** "hang": nothing comes any more. "end": as if the file ended there. */
  readonly do: "reset" | "end" | "hang";
}

export class MemoryStore implements Store {
  readonly uri = "memory:test";
  readonly executors = { filesystem: "unused", path: "" };
  timeoutMs: number | undefined;
  readonly files = new Map<string, Uint8Array>();
  /** Every read: the path and where it began. */
  readonly reads: [path: string, start: number][] = [];
  /** Bytes that were read from all files. */
  bytesRead = 0;
  /** Reads that are under way. */
  openReads = 0;
  chunkBytes = 1000;
  /** @param read the number of the read, from 0 */
  faultOf: (path: string, read: number) => ReadFault | undefined = () => undefined;

  add(path: string, bytes: Uint8Array, rows: number): StoredFile {
    this.files.set(path, bytes);
    const name = path.replace(/^.*\//, "");
    return { name, rows, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  }

  async *open(path: string, { start, end, signal }: StoreRange): AsyncGenerator<Uint8Array> {
    const bytes = this.files.get(path);
    const fault = this.faultOf(path, this.reads.filter(([read]) => read === path).length);
    this.reads.push([path, start]);
    if (!bytes) throw Object.assign(new Error(`no file ${path}`), { code: "ENOENT" });
    this.openReads++;
    try {
      const until = Math.min(bytes.length, end, start + (fault?.after ?? Number.POSITIVE_INFINITY));
      for (let at = start; at < until; at += this.chunkBytes) {
        const chunk = bytes.subarray(at, Math.min(at + this.chunkBytes, until));
        this.bytesRead += chunk.length;
        yield chunk;
      }
      if (fault?.do === "reset") throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      if (fault?.do === "hang") {
        signal.throwIfAborted();
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
      }
    } finally {
      this.openReads--;
    }
  }

  async list(): Promise<string[]> {
    return [...new Set([...this.files.keys()].map((path) => path.split("/")[0]!))];
  }

  async remove(directory: string): Promise<void> {
    for (const path of this.files.keys()) if (path.startsWith(`${directory}/`)) this.files.delete(path);
  }
}

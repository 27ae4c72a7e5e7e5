import * as fs from "node:fs";
import { promisify } from "node:util";
import type { ByteTarget } from "./byte-target.js";

const close = promisify(fs.close);
const write = promisify(fs.write);

/** A new file that others cannot see yet: in a folder that appears when it is complete. Errors are the system's own. */
export class PlainFile implements ByteTarget {
  readonly #path: string;
  /** -1 if it is not open. */
  #descriptor = -1;

  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<void> {
    this.#descriptor = fs.openSync(this.#path, "wx");
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#descriptor, bytes);
  }

  async commit(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    if (descriptor !== -1) await close(descriptor);
  }

  async abort(): Promise<void> {
    await this.commit().catch(() => {});
  }
}

export async function writeAll(descriptor: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await write(descriptor, bytes, done);
    done += bytesWritten;
  }
}

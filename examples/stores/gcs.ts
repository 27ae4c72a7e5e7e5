// Google Cloud Storage as the store, by Google's own client. Executors write with credentials of their own: workload identity, or
// a service account of the cluster.
//
//   const bucket = new Storage().bucket("my-bucket");
//   sparkStream(frame, { delivery: "stored", store: gcsStore(bucket, "tmp/streams") })
import { addAbortSignal } from "node:stream";
import type { Bucket, GetFilesResponse } from "@google-cloud/storage";
import type { Store } from "spark-arrow-stream";

/** @param filesystem how executors open it, in Python */
export function gcsStore(bucket: Bucket, prefix: string, filesystem = "fs.GcsFileSystem()"): Store {
  return {
    uri: `gs://${bucket.name}/${prefix}`,
    executors: { filesystem, path: `${bucket.name}/${prefix}` },
    open(path, { start, end, signal }) {
      const file = bucket.file(`${prefix}/${path}`);
      return addAbortSignal(signal, file.createReadStream({ start, end: end - 1, validation: false }));
    },
    async list() {
      const names: string[] = [];
      let page: object | null = { prefix: `${prefix}/`, delimiter: "/", autoPaginate: false };
      while (page) {
        const [, next, answer]: GetFilesResponse = await bucket.getFiles(page);
        const { prefixes = [] } = (answer ?? {}) as { prefixes?: string[] };
        names.push(...prefixes.map((name) => name.slice(prefix.length + 1, -1)));
        page = next;
      }
      return names;
    },
    remove: (directory) => bucket.deleteFiles({ prefix: `${prefix}/${directory}/` }),
  };
}

// HDFS as the store, by its HTTP interface (WebHDFS, or HttpFS, which needs no way to the data nodes). Executors write by libhdfs,
// which has to be on them: the environment variables HADOOP_HOME, CLASSPATH and ARROW_LIBHDFS_DIR say where.
//
//   const store = webHdfsStore("http://namenode:9870", "/tmp/streams", { user: "me" });
//   sparkStream(frame, { delivery: "stored", store })
import type { Store } from "spark-arrow-stream";

interface WebHdfsOptions {
  user: string;
  /** With Kerberos, or certificates of your own: a fetch that knows them. */
  fetch?: typeof fetch;
  /** How executors open it, in Python. */
  filesystem?: string;
}

export function webHdfsStore(server: string, root: string, options: WebHdfsOptions): Store {
  const { user, fetch: fetched = fetch, filesystem = 'fs.HadoopFileSystem("default")' } = options;
  async function call(method: string, op: string, path: string, parameters: object = {}, signal?: AbortSignal) {
    const query = new URLSearchParams({ op, "user.name": user, ...parameters });
    const response = await fetched(`${server}/webhdfs/v1${root}/${path}?${query}`, { method, signal: signal ?? null });
    if (!response.ok) throw new Error(`${op} of ${root}/${path}: ${response.status} ${await response.text()}`);
    return response;
  }
  return {
    uri: `${server.replace(/^http/, "webhdfs")}${root}`,
    executors: { filesystem, path: root },
    async open(path, { start, end, signal }) {
      return (await call("GET", "OPEN", path, { offset: start, length: end - start }, signal)).body!;
    },
    async list() {
      const answer = await (await call("GET", "LISTSTATUS", "")).json();
      const { FileStatus } = (answer as { FileStatuses: { FileStatus: { pathSuffix: string; type: string }[] } })
        .FileStatuses;
      return FileStatus.filter(({ type }) => type === "DIRECTORY").map(({ pathSuffix }) => pathSuffix);
    },
    remove: async (directory) => void (await call("DELETE", "DELETE", directory, { recursive: true })),
    create: async (directory) => void (await call("PUT", "MKDIRS", directory, { permission: "1777" })),
  };
}

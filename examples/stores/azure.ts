// Azure Blob Storage as the store, by Microsoft's own client, for accounts without a hierarchical namespace. Executors write with
// credentials of their own: a managed identity.
//
//   const container = new ContainerClient("https://account.blob.core.windows.net/container", new DefaultAzureCredential());
//   sparkStream(frame, { delivery: "stored", store: azureStore(container, "tmp/streams") })
import type { ContainerClient } from "@azure/storage-blob";
import type { Store } from "spark-arrow-stream";

/** @param filesystem how executors open it, in Python */
export function azureStore(
  container: ContainerClient,
  prefix: string,
  filesystem = `fs.AzureFileSystem(${JSON.stringify(container.accountName)})`,
): Store {
  return {
    uri: `${container.url.replace(/\?.*/, "")}/${prefix}`,
    executors: { filesystem, path: `${container.containerName}/${prefix}` },
    async open(path, { start, end, signal }) {
      const blob = container.getBlobClient(`${prefix}/${path}`);
      const { readableStreamBody } = await blob.download(start, end - start, { abortSignal: signal });
      return readableStreamBody as AsyncIterable<Buffer>;
    },
    async list() {
      const names: string[] = [];
      for await (const { kind, name } of container.listBlobsByHierarchy("/", { prefix: `${prefix}/` })) {
        if (kind === "prefix") names.push(name.slice(prefix.length + 1, -1));
      }
      return names;
    },
    async remove(directory) {
      for await (const { name } of container.listBlobsFlat({ prefix: `${prefix}/${directory}/` })) {
        await container.getBlobClient(name).deleteIfExists();
      }
    },
  };
}

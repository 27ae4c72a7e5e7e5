import { isReadable, isStore, type ReadableStore, type Store, type StoreLocation } from "./store.js";
import { TimedReads, TimedStore } from "./timed-store.js";

/** @param store as checkStoreUri() accepts it @returns a store whose calls all end */
export async function openStore(store: Store | StoreLocation): Promise<Store> {
  return new TimedStore(isStore(store) ? store : await builtIn(store));
}

/** As openStore(), for a store that is only read. */
export async function openReads(store: ReadableStore | StoreLocation): Promise<ReadableStore> {
  return new TimedReads(isReadable(store) ? store : await builtIn(store));
}

async function builtIn({ uri, timeoutMs }: StoreLocation): Promise<Store> {
  const { FileStore } = await import("./file-store.js");
  return new FileStore(uri, timeoutMs);
}

import { isStore, type Store, type StoreLocation } from "./store.js";
import { TimedStore } from "./timed-store.js";

/** @param store as checkStoreUri() accepts it @returns a store whose calls all end */
export async function openStore(store: Store | StoreLocation): Promise<Store> {
  if (isStore(store)) return new TimedStore(store);
  const { FileStore } = await import("./file-store.js");
  return new TimedStore(new FileStore(store.uri, store.timeoutMs));
}

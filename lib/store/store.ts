/**
 * A store that Spark's executors write and this process reads: a directory, a bucket, a container. Each stream has a
 * directory of its own there (`stream-directory.ts`), in which all names are flat.
 */
import { SparkStreamError } from "../errors.js";
import { INT_MAX, isFilled, isObject, type Rule, whole } from "../runtime/check-options.js";

/** Where the bytes of a file begin and end; an AbortSignal ends the read. */
export interface StoreRange {
  /** Offset of the first byte. */
  readonly start: number;
  /** Offset behind the last byte. */
  readonly end: number;
  readonly signal: AbortSignal;
}

/** How executors write to a store, in Python. */
export interface StoreExecutors {
  /**
   * A Python expression for a `pyarrow.fs.FileSystem`, in which `pyarrow` and `fs` (`pyarrow.fs`) are known. It is a part of the
   * query's plan, and so are credentials in it: leave them out if the executors have their own.
   */
  readonly filesystem: string;
  /** The path in that file system at which this process sees the store's `uri`, without a slash at its end. */
  readonly path: string;
}

/** The part of a store that reads: all that a stored result needs. */
export interface ReadableStore {
  /** The place, as messages name it. No secrets. */
  readonly uri: string;
  /** ms without a byte or an answer after which a call is given up, and tried again. Default: 30,000. */
  readonly timeoutMs?: number;
  /** Reads a part of a file, in chunks of any size. A chunk may be overwritten once the next one is requested. */
  open(path: string, range: StoreRange): AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

/**
 * A store as an object of small functions. All paths are relative to `uri`, with "/" as the separator. A function rejects
 * with a SparkStreamError if trying again is of no use; after any other error a read is tried again from where it stopped,
 * and another call from its start.
 */
export interface Store extends ReadableStore {
  readonly executors: StoreExecutors;
  /** The names of the directories in the store, without slashes. */
  list(): Promise<readonly string[]>;
  /** Removes a directory with all its files. It may be gone already. */
  remove(directory: string): Promise<void>;
  /** Makes a directory that executors may write to, if the store has directories. It may be there already. */
  create?(directory: string): Promise<void>;
}

/** A store that is built in: a `file:` URL of a directory that this process and all executors see at the same path. */
export interface StoreLocation {
  readonly uri: string;
  /** See {@link ReadableStore.timeoutMs}. */
  readonly timeoutMs?: number;
}

const functions = ["open", "list", "remove"] as const;

/** The `timeoutMs` of a store. */
export const storeTimeout = whole(1, INT_MAX, "milliseconds");

export const storeRule: Rule = [
  (value) => isObject(value) && hasPlace(value) && (isLocation(value) || isStore(value)),
  'an object with a "uri" and perhaps a "timeoutMs", or a store with "uri", "executors", "open", "list" and "remove"',
];

/** For a store that is only read. */
export const readableStoreRule: Rule = [
  (value) => isObject(value) && hasPlace(value) && (isLocation(value) || isReadable(value)),
  'an object with a "uri" and perhaps a "timeoutMs", or a store with "uri" and "open"',
];

function hasPlace({ uri, timeoutMs }: Partial<StoreLocation>): boolean {
  return isFilled(uri) && (timeoutMs === undefined || storeTimeout[0](timeoutMs));
}

export function isReadable(value: object): value is ReadableStore {
  return typeof (value as Partial<ReadableStore>).open === "function";
}

export function isStore(value: object): value is Store {
  const { executors } = value as Partial<Store>;
  return (
    functions.every((name) => typeof (value as Partial<Store>)[name] === "function") &&
    isObject(executors) &&
    isFilled(executors.filesystem) &&
    typeof executors.path === "string"
  );
}

function isLocation(value: object): boolean {
  return Object.keys(value).every((name) => name === "uri" || name === "timeoutMs");
}

/** @throws SparkStreamError INVALID_ARGUMENT for a `uri` that no store is built in for */
export function checkStoreUri(store: ReadableStore | StoreLocation): void {
  if (isReadable(store)) return;
  const { uri } = store;
  if (/^file:\/\/\/[^/]/.test(uri) && URL.canParse(uri)) return;
  const message =
    `The store ${JSON.stringify(withoutSecrets(uri))} is not known: built in is "file:///directory"; s3Store() of ` +
    "spark-arrow-stream/s3 is for s3://. For another one, give an object with open, list, remove and executors.";
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}

/** A URI without a user, a password and a query, any of which may be secret. */
function withoutSecrets(uri: string): string {
  return uri.replace(/\/\/[^/@]*@/, "//…@").replace(/[?#].*$/s, "?…");
}

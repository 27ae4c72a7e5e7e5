/**
 * A store whose files are read by URLs that somebody else has signed, so by a process without credentials. It is for reading
 * stored results only.
 */
import { SparkStreamError } from "../errors.js";
import { callback, checkOptions, filled, type OptionTable, required } from "../runtime/check-options.js";
import { type ReadableStore, type StoreRange, storeTimeout } from "./store.js";

export interface UrlStoreOptions {
  /**
   * Returns the URL of a file, by its path: the result's `directory`, a slash and the file's `name`. It is called for each
   * read, and again after a read that failed, so URLs may expire while a stream is read.
   */
  urlOf(path: string): string | Promise<string>;
  /** Default: the global `fetch`. Give one with an agent and certificates of your own. */
  fetch?: (url: string, request: { headers: Record<string, string>; signal: AbortSignal }) => Promise<Response>;
  /** How messages name the store. Default: "url:" */
  uri?: string;
  /** See {@link ReadableStore.timeoutMs}. */
  timeoutMs?: number;
}

const urlOptions: OptionTable<UrlStoreOptions> = {
  urlOf: required(callback),
  fetch: callback,
  uri: filled,
  timeoutMs: storeTimeout,
};

/** @throws SparkStreamError INVALID_ARGUMENT */
export function urlStore(options: UrlStoreOptions): ReadableStore {
  checkOptions("urlStore()", options, urlOptions);
  const { urlOf, fetch: fetched = fetch, uri = "url:", timeoutMs } = options;
  async function* open(path: string, { start, end, signal }: StoreRange): AsyncGenerator<Uint8Array> {
    if (end === start) return;
    const headers = { range: `bytes=${start}-${end - 1}` };
    const response = await fetched(await urlOf(path), { headers, signal });
    if (response.status !== 206 || !response.body) {
      await response.body?.cancel();
      throw refusal(response);
    }
    yield* response.body;
  }
  return { uri, open, ...(timeoutMs !== undefined && { timeoutMs }) };
}

/** Without the URL: whoever has it can read the file. */
function refusal({ status, ok }: Response): Error {
  if (status === 404) return new SparkStreamError("STORE_FAILED", "the file does not exist (status 404)");
  if (ok) return new SparkStreamError("STORE_FAILED", `the server does not read ranges of files (status ${status})`);
  return new Error(`the server answered with status ${status}`);
}

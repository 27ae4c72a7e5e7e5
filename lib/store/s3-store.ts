/** An S3 bucket, or one of a server that speaks its protocol, as a store. It is read by the AWS SDK, and written by pyarrow. */
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { SparkStreamError } from "../errors.js";
import {
  checkOptions,
  filled,
  isObject,
  nested,
  type OptionTable,
  required,
  secret,
} from "../runtime/check-options.js";
import { type Store, type StoreExecutors, type StoreRange, storeTimeout } from "./store.js";
import { STORE_TIMEOUT } from "./timed-store.js";
import { tryAgain } from "./try-again.js";

/** How executors reach the bucket: arguments of `pyarrow.fs.S3FileSystem`. Without credentials, the executors use their own. */
export interface S3ExecutorOptions {
  region?: string;
  /** The server's address, if it isn't AWS, as executors see it: `http://host:port`. */
  endpoint?: string;
  /** A role that executors assume with their own credentials. */
  roleArn?: string;
  /** Credentials that become a part of the query's plan: give temporary ones with rights for the store's prefix only. */
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
}

export interface S3StoreOptions {
  /** A bucket, and a prefix: `s3://bucket/tmp`. */
  uri: string;
  /**
   * The client by which this process reads and removes files, with its region, credentials, proxy and timeouts. Default: a new
   * one, with what the SDK finds in the environment.
   */
  client?: S3Client;
  executors?: S3ExecutorOptions;
  /** ms without a byte or an answer after which a call is given up, and tried again. Default: 30,000. */
  timeoutMs?: number;
}

const credential = secret(filled);

const executorOptions: OptionTable<S3ExecutorOptions> = {
  region: filled,
  endpoint: [(value) => typeof value === "string" && /^https?:\/\/[^/]+\/?$/.test(value), '"http://host:port"'],
  roleArn: filled,
  accessKeyId: credential,
  secretAccessKey: credential,
  sessionToken: credential,
};

const s3Options: OptionTable<S3StoreOptions> = {
  uri: required([
    (value) => typeof value === "string" && /^s3:\/\/[^/?#]+(\/[^?#]*)?$/.test(value),
    '"s3://bucket/prefix"',
  ]),
  client: [(value) => isObject(value) && "send" in value, "an S3Client"],
  executors: nested(executorOptions),
  timeoutMs: storeTimeout,
};

/** Objects that are removed at a time. */
const REMOVALS = 16;
/** Listings of a directory that is removed, the last of which has to be empty. */
const MAX_LISTINGS = 4;
/** Errors of S3 that another attempt does not change. */
const FINAL = new Set(["AccessDenied", "NoSuchBucket", "NoSuchKey", "InvalidAccessKeyId", "SignatureDoesNotMatch"]);

/** @throws SparkStreamError INVALID_ARGUMENT */
export function s3Store(options: S3StoreOptions): Store {
  checkOptions("s3Store()", options, s3Options);
  return new S3Store(options);
}

class S3Store implements Store {
  readonly uri: string;
  readonly executors: StoreExecutors;
  readonly timeoutMs: number;
  readonly #client: S3Client;
  readonly #bucket: string;
  /** Ends with a slash, unless it is empty. */
  readonly #prefix: string;

  constructor({ uri, client = new S3Client({}), executors = {}, timeoutMs = STORE_TIMEOUT }: S3StoreOptions) {
    const [bucket = "", ...path] = uri.slice("s3://".length).split("/");
    const prefix = path.filter((part) => part !== "").join("/");
    this.uri = uri.replace(/\/+$/, "");
    this.timeoutMs = timeoutMs;
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix === "" ? "" : `${prefix}/`;
    this.executors = { filesystem: filesystemOf(executors), path: [bucket, prefix].filter(Boolean).join("/") };
  }

  async *open(path: string, { start, end, signal }: StoreRange): AsyncGenerator<Uint8Array> {
    if (end === start) return;
    const range = { Bucket: this.#bucket, Key: this.#prefix + path, Range: `bytes=${start}-${end - 1}` };
    try {
      const { Body } = await this.#client.send(new GetObjectCommand(range), { abortSignal: signal });
      yield* Body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw final(error);
    }
  }

  async list(): Promise<string[]> {
    const names: string[] = [];
    for await (const { CommonPrefixes = [] } of this.#pages(this.#prefix, "/")) {
      for (const { Prefix = "" } of CommonPrefixes) names.push(Prefix.slice(this.#prefix.length, -1));
    }
    return names;
  }

  /** A listing may be older than the last files of tasks, so it is repeated until there is nothing more. */
  async remove(directory: string): Promise<void> {
    for (let pass = 1; pass <= MAX_LISTINGS; pass++) {
      const found = await this.#removeListed(directory);
      if (found === 0 && pass > 1) return;
    }
    throw new Error("files that were removed are still listed");
  }

  /** Resolves to the number of objects. One by one, since not every server can remove many at a time. */
  async #removeListed(directory: string): Promise<number> {
    let count = 0;
    for await (const { Contents = [] } of this.#pages(`${this.#prefix}${directory}/`)) {
      for (let at = 0; at < Contents.length; at += REMOVALS) {
        const removals = Contents.slice(at, at + REMOVALS).map(({ Key }) =>
          this.#answer((call) => this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key }), call)),
        );
        await Promise.all(removals);
        count += removals.length;
      }
    }
    return count;
  }

  async *#pages(Prefix: string, Delimiter?: string) {
    for (let token: string | undefined, more = true; more; more = token !== undefined) {
      const page = { Bucket: this.#bucket, Prefix, Delimiter, ContinuationToken: token };
      const answer = await this.#answer((call) => this.#client.send(new ListObjectsV2Command(page), call));
      token = answer.IsTruncated ? answer.NextContinuationToken : undefined;
      yield answer;
    }
  }

  /** Repeats a request that fails, or gets no answer: each for itself, since a directory can need many. */
  async #answer<T>(send: (call: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      return await tryAgain(async () => {
        try {
          return await send({ abortSignal: AbortSignal.timeout(this.timeoutMs) });
        } catch (error) {
          throw final(error);
        }
      });
    } catch (error) {
      if (error instanceof SparkStreamError) throw error;
      throw new SparkStreamError("STORE_FAILED", (error as Error).message, { cause: error });
    }
  }
}

/** In Python: JSON of strings is Python, too. */
function filesystemOf(options: S3ExecutorOptions): string {
  const { region, endpoint, roleArn, accessKeyId, secretAccessKey, sessionToken } = options;
  const url = endpoint === undefined ? undefined : new URL(endpoint);
  const given = {
    region,
    endpoint_override: url?.host,
    scheme: url?.protocol.slice(0, -1),
    role_arn: roleArn,
    access_key: accessKeyId,
    secret_key: secretAccessKey,
    session_token: sessionToken,
  };
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  return `fs.S3FileSystem(${named.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")})`;
}

function final(error: unknown): unknown {
  const { name, message } = error as Error;
  if (!FINAL.has(name)) return error;
  return new SparkStreamError("STORE_FAILED", `${name}: ${message}`, { cause: error });
}

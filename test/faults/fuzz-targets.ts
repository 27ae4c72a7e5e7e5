// What a server's bytes come to, boundary by boundary: each target takes bytes that are wrong, and says what it made of
// them. Whatever it throws has to be one of this package's errors.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Metadata, status } from "@grpc/grpc-js";
import { type RecordBatch, Table, tableToIPC } from "apache-arrow";
import { IpcDecoder } from "../../lib/chain/ipc-decoder.js";
import {
  type ExecutePlanResponse,
  ExecutePlanResponseSchema,
  FetchErrorDetailsResponseSchema,
} from "../../lib/connect/generated/spark-connect_pb.js";
import { Endpoint } from "../../lib/connect/rpc/endpoint.js";
import { explainError } from "../../lib/connect/rpc/explain-error.js";
import { readServerError, withDetails } from "../../lib/connect/rpc/server-error.js";
import { Share } from "../../lib/delivery/push/share.js";
import { TaskConnection } from "../../lib/delivery/push/task-connection.js";
import { BatchAssembler } from "../../lib/delivery/result/response-rows.js";
import { ResultReport } from "../../lib/delivery/result/result-report.js";
import type { SparkSession } from "../../lib/index.js";
import { sparkStream } from "../../lib/index.js";
import { HELLO_BYTES, NONCE_BYTES } from "../../lib/tasks/claim.js";
import { TaskListener } from "../../lib/tasks/listener.js";
import { Secret } from "../../lib/tasks/proof.js";
import { responsesOf } from "../../lib/testing/scripted-result.js";
import { SparkErrors, sparkError } from "../../lib/testing/spark-error.js";
import { PushTask, partitionMessages } from "../support/push-task.js";
import type { Random } from "../support/random.js";
import { startRawServer } from "../support/raw-server.js";
import { mutated } from "./mutate.js";
import { rowBatch } from "./rows.js";

export interface FuzzTarget {
  readonly name: string;
  /** Its share of all inputs: this many of each round. */
  readonly share: number;
  /** Makes an input from whole ones. */
  input(random: Random): readonly Uint8Array[];
  /** The batches that came of it. */
  take(input: readonly Uint8Array[]): Promise<readonly RecordBatch[]>;
}

const endpoint = new Endpoint("sc://spark.example.com");

/** Arrow IPC streams, to the decoder. */
export function ipcTarget(streams: readonly Uint8Array[]): FuzzTarget {
  return {
    name: "Arrow IPC stream",
    share: 12,
    input: (random) => [mutated(random.pick(streams), random)],
    take: async ([bytes]) => await new IpcDecoder().decode({ arrow_ipc_bytes: bytes! }),
  };
}

const responses = [700, undefined].map((chunkBytes) =>
  responsesOf({ batches: [rowBatch(0, 30), rowBatch(30, 20)], ...(chunkBytes && { chunkBytes }) }, true).map(
    (init, index) =>
      toBinary(
        ExecutePlanResponseSchema,
        create(ExecutePlanResponseSchema, { ...init, responseId: `response ${index}` }),
      ),
  ),
);

function brokenResult(random: Random): Uint8Array[] {
  const result: Uint8Array[] = [...random.pick(responses)];
  const index = random.below(result.length);
  result[index] = mutated(result[index]!, random);
  return result;
}

/** The messages of a result, to where their rows are put together and decoded. */
export const responseTarget: FuzzTarget = {
  name: "response message",
  share: 8,
  input: brokenResult,
  async take(input) {
    const [assembler, decoder, batches] = [new BatchAssembler(), new IpcDecoder(), [] as RecordBatch[]];
    for (const bytes of input) {
      const row = assembler.take(parsed(bytes));
      if (row) batches.push(...(await decoder.decode(row)));
    }
    return batches;
  },
};

/** As gRPC does it. */
function parsed(bytes: Uint8Array): ExecutePlanResponse {
  try {
    return fromBinary(ExecutePlanResponseSchema, bytes);
  } catch (cause) {
    const details = `Response message parsing error: ${(cause as Error).message}`;
    throw explainError(readServerError({ code: status.INTERNAL, details }), endpoint);
  }
}

const errors = new SparkErrors();
const failure = errors.status(
  sparkError({ message: "No.", errorClass: "A.B", sqlState: "42000", messageParameters: { a: "b" }, retryAfterMs: 5 }),
);
const trailer = failure.metadata.get("grpc-status-details-bin")[0] as Buffer;
const details = toBinary(
  FetchErrorDetailsResponseSchema,
  create(FetchErrorDetailsResponseSchema, {
    rootErrorIdx: 0,
    errors: [
      { message: "No.", causeIdx: 1, stackTrace: [{ declaringClass: "A", methodName: "b" }] },
      { message: "Since.", sparkThrowable: { errorClass: "A.B", queryContexts: [{ fragment: "x" }] } },
    ],
  }),
);

/** What a server says of an error: the trailer, and the details. Nothing may come of it but an error. */
export const errorTarget: FuzzTarget = {
  name: "error trailer and details",
  share: 4,
  input: (random) => [mutated(trailer, random), mutated(details, random)],
  async take([broken, brokenDetails]) {
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from(broken!));
    let known = readServerError(Object.assign(new Error("No."), { code: status.INTERNAL, details: "No.", metadata }));
    try {
      known = withDetails(known, fromBinary(FetchErrorDetailsResponseSchema, brokenDetails!));
    } catch {
      // Bytes that are no message: gRPC's own failure, which the client passes over.
    }
    throw explainError(known, endpoint);
  },
};

/** The messages of a result, through gRPC and all that comes behind it. */
export async function streamTarget(
  connect: (url: string) => Promise<SparkSession>,
): Promise<FuzzTarget & AsyncDisposable> {
  let next: readonly Uint8Array[] = [];
  const server = await startRawServer(() => next);
  const spark = await connect(server.url);
  return {
    name: "response message over gRPC",
    share: 1,
    input: brokenResult,
    async take(input) {
      next = input;
      return await sparkStream(spark.sql("SELECT 1")).toArray();
    },
    async [Symbol.asyncDispose]() {
      await spark.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const pushed = [rowBatch(0, 30), rowBatch(30, 20)].map((batch) => tableToIPC(new Table([batch]), "stream"));

/** What tasks, and others, send to the listener of a pushed stream: before they have proven themselves, and after. */
export async function pushTarget(): Promise<FuzzTarget & AsyncDisposable> {
  const secret = new Secret();
  let share: Share;
  let served: Promise<unknown> | undefined;
  const listener = await TaskListener.open({
    host: "127.0.0.1",
    port: 0,
    secret,
    certificate: undefined,
    option: "push",
    onTask({ partition, attempt }, socket, reader) {
      served = new TaskConnection(attempt, socket, reader).serve(share.add(partition), share);
      served.catch(() => {}); // told below
    },
  });
  const peer = { port: listener.port, secret: secret.hex };
  return {
    name: "pushed partition",
    share: 2,
    /** Of the hello of a stranger, or of what a task says. */
    input: (random) => [
      mutated(Buffer.concat(partitionMessages(pushed, 25)), random),
      random.below(4) === 0 ? mutated(Buffer.alloc(HELLO_BYTES, 7), random) : Buffer.alloc(0),
    ],
    async take([messages, hello]) {
      const options = { limit: 2 ** 24, order: "arrival", spool: false, index: 0, count: 1 } as const;
      share = new Share({ ...options, report: new ResultReport(), onClose: async () => {} });
      served = undefined;
      using task = await PushTask.connect(peer);
      if (hello!.length > 0) {
        await task.read(NONCE_BYTES);
        task.socket.end(hello!);
        await task.closed;
        if (served) throw new Error("A stranger was taken for a task.");
        return [];
      }
      await task.prove(peer.secret, 0);
      task.socket.end(messages!);
      await task.closed;
      await served;
      share.end({ arrow_ipc_bytes: pushed[0]!, rowCount: 0 });
      const [decoder, batches] = [new IpcDecoder(), [] as RecordBatch[]];
      for (let row = await share.next(); row; row = await share.next()) batches.push(...(await decoder.decode(row)));
      return batches;
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

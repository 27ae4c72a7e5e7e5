/**
 * Faults of the network, made at any byte by a TCP proxy between the client and a server, whichever that is. All of them
 * have to be survived.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionFault, type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import type { Random } from "../support/random.js";
import { type FaultClass, type RunResult, type StreamOfRows, streamRows } from "./fault-class.js";

/** Where the results come from. */
export interface Target {
  readonly name: string;
  /** Runs something with a server: where it listens, and what is to be read from it. */
  with(run: (port: number, stream: ReadFrom) => Promise<RunResult>): Promise<RunResult>;
  /** ms after which the server ends a stream by itself. */
  readonly maxStreamMs: number;
}

export interface ReadFrom extends Omit<StreamOfRows, "url" | "consume"> {
  /** Of the URL: `;key=value`. */
  readonly parameters?: string;
}

interface NetworkFault {
  readonly name: string;
  /** What happens to the n-th connection; the first is that of all calls but the streaming ones. */
  readonly faultOf: (connection: number, random: Random, bytes: Bytes) => ConnectionFault | undefined;
  /** What happens besides, while the stream is read. */
  readonly meanwhile?: (proxy: FaultProxy, random: Random) => Promise<void>;
  readonly slow?: boolean;
  /** ms that the consumer sleeps once, after one of the first batches. */
  readonly sleepMs?: (random: Random, target: Target) => number;
}

/** Bytes that pass where nothing goes wrong: down to the client, and up. */
interface Bytes {
  readonly down: number;
  readonly up: number;
}

const FIRST_STREAM = 1;

const first =
  (fault: (random: Random, bytes: Bytes) => ConnectionFault): NetworkFault["faultOf"] =>
  (connection, random, bytes) =>
    connection === FIRST_STREAM ? fault(random, bytes) : undefined;
const atAnyByte = (action: NonNullable<ConnectionFault["do"]>) =>
  first((random, { down }) => ({ after: random.below(down), do: action }));

const faults: readonly NetworkFault[] = [
  { name: "reset at a byte", faultOf: atAnyByte("reset") },
  { name: "closed at a byte", faultOf: atAnyByte("close") },
  { name: "half closed at a byte", faultOf: atAnyByte("halfClose") },
  { name: "stalled at a byte", faultOf: atAnyByte("stall") },
  {
    name: "request reset at a byte",
    faultOf: first((random, { up }) => ({ direction: "up", after: random.below(up), do: "reset" })),
  },
  {
    name: "reset again and again",
    faultOf: (connection, random, { down }) =>
      connection >= FIRST_STREAM && connection < FIRST_STREAM + 4
        ? { after: random.below(Math.ceil(down / 2)), do: "reset" }
        : undefined,
  },
  {
    name: "slow, then reset",
    faultOf: first((random, { down }) => ({
      after: random.below(down),
      do: "reset",
      bytesPerSecond: Math.ceil(down / (0.2 + random.next())),
      latencyMs: random.below(40),
    })),
  },
  {
    name: "all connections reset at a moment",
    faultOf: () => undefined,
    meanwhile: async (proxy, random) => {
      await sleep(random.below(60));
      proxy.reset();
    },
  },
  ...[50, 150, 300].map(
    (latencyMs): NetworkFault => ({
      name: `${latencyMs} ms away, reset at a byte`,
      slow: true,
      faultOf: (connection, random, { down }) => ({
        latencyMs,
        ...(connection === FIRST_STREAM && { after: random.below(down), do: "reset" }),
      }),
    }),
  ),
  {
    name: "slow consumer, reset at a byte",
    faultOf: atAnyByte("reset"),
    sleepMs: (random, { maxStreamMs }) => maxStreamMs + random.between(700, 3_000),
  },
];

export function networkFaults(target: Target): readonly FaultClass[] {
  let bytes: Promise<Bytes> | undefined;
  return faults.map(({ name, faultOf, meanwhile, sleepMs, slow = false }) => ({
    name: `${target.name}: ${name}`,
    expected: "exact",
    slow,
    async run(random) {
      bytes ??= measure(target);
      const passing = await bytes;
      return await target.with(async (port, stream) => {
        await using proxy = await startFaultProxy({ port }, (connection) => faultOf(connection, random, passing));
        const sleepsAt = random.below(3);
        let batches = 0;
        const consume = async () => {
          if (batches++ === sleepsAt && sleepMs) await sleep(sleepMs(random, target));
        };
        const disturbing = meanwhile?.(proxy, random);
        const result = await streamRows({ ...stream, url: urlOf(proxy, stream), consume });
        await disturbing;
        return result;
      });
    },
  }));
}

async function measure(target: Target): Promise<Bytes> {
  const found: Bytes[] = [];
  await target.with(async (port, stream) => {
    await using proxy = await startFaultProxy({ port });
    const result = await streamRows({ ...stream, url: urlOf(proxy, stream) });
    found.push(proxy.connections[FIRST_STREAM]!);
    return result;
  });
  const { down, up } = found[0]!;
  return { down, up };
}

const urlOf = ({ port }: FaultProxy, { parameters = "" }: ReadFrom) => `sc://127.0.0.1:${port}/${parameters}`;

/**
 * Faults of a server that does what a script says, at every place between two of its responses.
 *
 * Left out is what nobody could notice: the loss of the last batch together with the news of it (no response says how many
 * there are), and other bytes in the place of some (there is no checksum).
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Fault,
  type FaultAction,
  type ResponseInit,
  type ScriptedResult,
  type ScriptedServerOptions,
  startScriptedServer,
} from "../../lib/testing/index.js";
import { responsesOf } from "../../lib/testing/scripted-result.js";
import type { Random } from "../support/random.js";
import { type FaultClass, type StreamOfRows, streamRows } from "./fault-class.js";
import { rowBatch } from "./rows.js";

const sizes = [40, 1, 60, 25, 33, 50];
const count = sizes.reduce((total, size) => total + size, 0);
const batches = sizes.map((size, index) =>
  rowBatch(
    sizes.slice(0, index).reduce((a, b) => a + b, 0),
    size,
  ),
);

/** A result as Spark may send it, and the responses that it is sent as. */
interface Shape {
  readonly result: ScriptedResult;
  readonly responses: readonly ResponseInit[];
}

const shape = (result: ScriptedResult): Shape => ({ result, responses: responsesOf(result, true) });
const whole = shape({ batches });
const chunked = shape({ batches, chunkBytes: 700 });
const busy = shape({ batches, chunkBytes: 500, progress: true });

type Script = (shape: Shape, random: Random, turn: number) => Omit<ScriptedServerOptions, keyof ScriptedResult>;

interface ScriptedFault {
  readonly name: string;
  readonly expected: FaultClass["expected"];
  readonly script: Script;
  /** Default: all. */
  readonly shapes?: readonly Shape[];
  readonly consume?: (random: Random) => StreamOfRows["consume"];
}

function scripted({ name, expected, script, shapes = [whole, chunked, busy], consume }: ScriptedFault): FaultClass {
  return {
    name: `scripted: ${name}`,
    expected,
    async run(random, turn) {
      const chosen = shapes[turn % shapes.length]!;
      const options = script(chosen, random, Math.floor(turn / shapes.length));
      await using server = await startScriptedServer({ ...chosen.result, ...options });
      return await streamRows({ url: server.url, query: "SELECT * FROM t", count, consume: consume?.(random) });
    },
  };
}

/** At every place between two responses, from `first` on, one after the other; in the first stream. */
function atEachPlace(action: FaultAction, first = 0): Script {
  return ({ responses }, _random, turn) => at(first + (turn % (responses.length - first)), action);
}

/** Before each response with data that is so. */
function atData(action: FaultAction, test: (index: number, all: readonly number[]) => boolean = () => true): Script {
  return (shape, _random, turn) => {
    const places = dataPlaces(shape).filter((_place, index, all) => test(index, all));
    return at(places[turn % places.length]!, action);
  };
}

const at = (after: number, ...actions: FaultAction[]) => ({
  faults: actions.map((action): Fault => ({ stream: 0, after, do: action })),
});

function dataPlaces({ responses }: Shape): number[] {
  return [...responses.keys()].filter((index) => responses[index]!.responseType?.case === "arrowBatch");
}

const notLast = (index: number, all: readonly number[]) => index < all.length - 1;

const unavailable = { status: { code: "UNAVAILABLE", message: "shutting down" } } as const;
const expired = { status: { code: "DEADLINE_EXCEEDED", message: "too late" } } as const;
const tryAgain = { status: { message: "busy", errorClass: "BUSY", retryAfterMs: 5 } } as const;
const takenOver = { status: { message: "The cursor is invalid.", errorClass: "INVALID_CURSOR.DISCONNECTED" } } as const;
const failed = { status: { message: "divided by zero", errorClass: "DIVIDE_BY_ZERO", sqlState: "22012" } } as const;
const refused = { status: { code: "PERMISSION_DENIED", message: "no longer" } } as const;
const evicted = { status: { message: "gone", errorClass: "INVALID_CURSOR.POSITION_NOT_AVAILABLE" } } as const;
const interrupted = { status: { message: "canceled", errorClass: "OPERATION_CANCELED", sqlState: "HY008" } } as const;

/** What must not be noticed. */
const harmless: readonly FaultAction[] = ["cut", "end", "goaway", "duplicate", unavailable, tryAgain, takenOver];

/** Limits that a server has in minutes, in milliseconds. */
const impatient = {
  conf: {
    "spark.connect.execute.reattachable.senderMaxStreamDuration": "100ms",
    "spark.connect.execute.manager.detachedTimeout": "200ms",
  },
};

const sleepy = (random: Random) => {
  const sleepsAt = random.between(0, 2);
  let batch = 0;
  return async () => {
    if (batch++ === sleepsAt) await sleep(random.between(600, 1_000));
  };
};

const lost = ["SESSION_LOST"] as const;
const broken = ["INCOMPLETE_RESULT", "INVALID_IPC"] as const;

const faults: readonly ScriptedFault[] = [
  { name: "connection cut", expected: "exact", script: atEachPlace("cut") },
  {
    name: "connection cut again and again",
    expected: "exact",
    script: (_shape, random) => ({ faults: [{ after: random.between(1, 4), do: "cut" }] }),
  },
  { name: "stream ended early", expected: "exact", script: atEachPlace("end") },
  {
    name: "stream ended after some bytes",
    expected: "exact",
    script: (_shape, random) => ({ maxStreamBytes: random.between(1, 8_000) }),
  },
  {
    name: "stalled",
    expected: "exact",
    script: (shape, random, turn) => ({ ...impatient, ...atEachPlace("stall")(shape, random, turn) }),
  },
  {
    name: "delayed",
    expected: "exact",
    script: (shape, random, turn) => atEachPlace({ delayMs: random.between(1, 200) })(shape, random, turn),
  },
  { name: "goaway", expected: "exact", script: atEachPlace("goaway") },
  { name: "response twice", expected: "exact", script: atEachPlace("duplicate") },
  { name: "status UNAVAILABLE", expected: "exact", script: atEachPlace(unavailable) },
  { name: "status DEADLINE_EXCEEDED", expected: "exact", script: atEachPlace(expired) },
  { name: "status with RetryInfo", expected: "exact", script: atEachPlace(tryAgain) },
  { name: "stream taken over", expected: "exact", script: atEachPlace(takenOver) },
  {
    name: "unavailable for some calls",
    expected: "exact",
    script: (_shape, random) => ({
      faults: [0, 1, 2].slice(0, random.between(1, 3)).map((stream) => ({ stream, do: unavailable })),
    }),
  },
  { name: "operation forgotten, before anything", expected: "exact", script: () => at(0, "forget") },
  {
    name: "several of these",
    expected: "exact",
    script: ({ responses }, random) => ({
      faults: Array.from({ length: random.between(2, 5) }, (_, stream) => ({
        stream,
        after: random.below(responses.length),
        do: random.pick(harmless),
      })),
    }),
  },
  {
    name: "slow consumer",
    expected: "exact",
    script: (_shape, random) => ({ ...impatient, maxStreamMs: random.between(50, 150) }),
    consume: sleepy,
  },
  {
    name: "slow consumer, connection cut",
    expected: "exact",
    script: (shape, random, turn) => ({ ...impatient, maxStreamMs: 100, ...atEachPlace("cut")(shape, random, turn) }),
    consume: sleepy,
  },
  { name: "operation forgotten", expected: ["OPERATION_LOST"], script: atEachPlace("forget", 1) },
  {
    name: "rest not kept",
    expected: ["OPERATION_LOST"],
    script: ({ responses }, _random, turn) => ({
      faults: [
        { stream: 0, after: 1 + (turn % (responses.length - 1)), do: "cut" },
        { stream: 1, do: evicted },
      ],
    }),
  },
  { name: "server restarted", expected: lost, script: atEachPlace("restart") },
  {
    name: "answer of another session",
    expected: lost,
    script: atEachPlace({ sessionId: "00000000-0000-4000-8000-000000000000" }),
  },
  {
    name: "response lost",
    expected: broken,
    // Of the last batch a part, at most.
    script: (shape, random, turn) => atData("drop", shape === whole ? notLast : undefined)(shape, random, turn),
  },
  {
    name: "several responses lost",
    expected: broken,
    shapes: [whole, chunked],
    script: (shape, random) => {
      const places = dataPlaces(shape);
      const first = random.below(places.length - 3);
      return at(places[first]!, ...Array.from({ length: random.between(2, 3) }, (): FaultAction => "drop"));
    },
  },
  { name: "responses swapped", expected: broken, shapes: [whole, chunked], script: atData("swap", notLast) },
  { name: "response cut in half", expected: broken, script: atData("corrupt") },
  { name: "response miscounted", expected: broken, script: atData("miscount") },
  { name: "query fails", expected: ["QUERY_FAILED"], script: atEachPlace(failed) },
  { name: "interrupted by another", expected: ["OPERATION_CANCELED"], script: atEachPlace(interrupted) },
  { name: "permission withdrawn", expected: ["PERMISSION_DENIED"], script: atEachPlace(refused) },
];

export const scriptedFaults: readonly FaultClass[] = faults.map(scripted);

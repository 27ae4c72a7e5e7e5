import { fork } from "node:child_process";
import { once } from "node:events";
import { built } from "./build.js";
import type { RecordingFiles } from "./recording.js";
import type { ServedAnswer } from "./replay-server.js";

/** A running replay server. */
export interface Replay extends AsyncDisposable {
  readonly url: string;
  /** The share of the last answer's time in which the server had something to do; 0 to 1. */
  readonly lastBusy: number;
}

export async function startReplay({ frames, manifest }: RecordingFiles): Promise<Replay> {
  const child = fork(built("replay-server.ts"), [frames, manifest], { execArgv: [] });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  let lastBusy = 0;
  child.on("message", ({ busy }: ServedAnswer) => {
    lastBusy = busy;
  });
  return {
    url: `sc://127.0.0.1:${port}`,
    get lastBusy() {
      return lastBusy;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
    },
  };
}

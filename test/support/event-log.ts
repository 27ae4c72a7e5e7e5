/** Spark's own record of its jobs, as the server writes it: which there were, and whether they still run. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "./temporary-directory.js";

export interface SparkJob {
  readonly id: number;
  /** ms, Date.now() */
  readonly submitted: number;
  /** undefined while it runs. */
  readonly ended: number | undefined;
  readonly succeeded: boolean;
  /** That of a Spark Connect operation holds its id. */
  readonly tags: string;
}

export class EventLog {
  readonly directory = temporaryDirectory("event-log");

  /** Settings that make a server write it. */
  get conf(): Record<string, string> {
    return {
      "spark.eventLog.enabled": "true",
      "spark.eventLog.dir": `file:${this.directory}`,
      "spark.eventLog.compress": "false",
      "spark.eventLog.rolling.enabled": "false",
    };
  }

  /** All jobs so far, in order. The server writes them as they begin and end. */
  async jobs(): Promise<SparkJob[]> {
    const [name] = await readdir(this.directory);
    if (name === undefined) return [];
    const jobs = new Map<number, SparkJob>();
    for (const line of (await readFile(join(this.directory, name), "utf8")).split("\n")) {
      if (!line.endsWith("}") || !/^\{"Event":"SparkListenerJob/.test(line)) continue;
      const event = JSON.parse(line);
      const id: number = event["Job ID"];
      if (event.Event === "SparkListenerJobStart") {
        const tags: string = event.Properties?.["spark.job.tags"] ?? "";
        jobs.set(id, { id, submitted: event["Submission Time"], ended: undefined, succeeded: false, tags });
      } else {
        const succeeded = event["Job Result"].Result === "JobSucceeded";
        jobs.set(id, { ...jobs.get(id)!, ended: event["Completion Time"], succeeded });
      }
    }
    return [...jobs.values()];
  }
}

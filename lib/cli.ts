#!/usr/bin/env node
/**
 * The command line: one query into one file or pipe. In, arguments; out, nothing but data on stdout, everything else on
 * stderr. cli/help.ts has its help text, with the exit codes.
 */
import { exitCode, run } from "./cli/run.js";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (interrupt.signal.aborted) process.exit(exitCode.of(signal)); // asked twice: without waiting for Spark
    interrupt.abort(signal);
  });
}
// The writer gets the error if a reader goes away (`… | head`); nobody else needs it.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

const code = await run(process.argv.slice(2), interrupt.signal);
process.stdout.write("", () => process.exit(code)); // after the bytes that are still buffered

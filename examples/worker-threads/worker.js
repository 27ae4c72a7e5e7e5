// What a worker does with one batch, which comes as an Arrow IPC stream. Plain JavaScript, so that any Node runs it.
import { parentPort } from "node:worker_threads";
import { tableFromIPC } from "apache-arrow";

parentPort.on("message", (bytes) => parentPort.postMessage(longestRun(tableFromIPC(bytes).getChild("even"))));

function longestRun(evens) {
  let [longest, run] = [0, 0];
  for (const even of evens) {
    run = even ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

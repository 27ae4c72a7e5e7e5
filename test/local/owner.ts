/* A process that owns a command: prints the process ids of both sides of it, and then does as its argument says. */
import { OwnedProcess } from "../../lib/local/owned-process.js";

const [directory, then] = process.argv.slice(2);
const owned = new OwnedProcess(["sleep", "60"], { output: 2, directory: directory!, grace: 1 });
console.log(JSON.stringify({ command: await owned.pid, supervisor: owned.child.pid }));
if (then === "end") owned.unref();

/**
 * A scripted server in a process of its own, there to be stopped by SIGSTOP. It says its port, and, when it is asked for
 * anything, what has become of its operations.
 */
import { startScriptedServer } from "../../lib/testing/index.js";
import { endless } from "./black-holes.js";

const server = await startScriptedServer(endless);
process.on("message", () =>
  process.send!(server.operations.map(({ stopped, state }) => stopped || state !== "running")),
);
process.on("disconnect", () => process.exit());
process.send!(server.port);

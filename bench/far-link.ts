/**
 * A link to a far server, in a process of its own: the bytes of a connection come so late and so slowly.
 *
 *   argv    port of the server on this machine; bytes a second, from the server; ms of latency, each way
 *   sends   its port; ends with its parent
 */
import { startFaultProxy } from "../test/support/fault-proxy.js";

const [port, bytesPerSecond, latencyMs] = process.argv.slice(2).map(Number) as [number, number, number];
// The pipe itself, and a router's queue as large again: what it cannot hold is left to the server's own socket.
const maxWaitingBytes = 2 * bytesPerSecond * (latencyMs / 1000);
const proxy = await startFaultProxy({ port }, () => ({ bytesPerSecond, latencyMs, maxWaitingBytes }));
process.send?.(proxy.port);
process.on("disconnect", () => process.exit());

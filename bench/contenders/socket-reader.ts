/** A process that reads sockets and drops what comes. Sends its port; ends with its parent. */
import { type AddressInfo, createServer } from "node:net";

const server = createServer((socket) => socket.resume());
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());

/** The limit of forwarding: the Arrow data of the responses, as it is, to another process by a socket. */
import { once } from "node:events";
import { Endpoint } from "../../lib/connect/rpc/endpoint.js";
import { openClient, releaseSession } from "../wire.js";
import { drainResponses } from "./drain-responses.js";
import { measured } from "./measured.js";
import { startReader } from "./reader-process.js";

await measured(
  async ({ url, token, sessionId }) => ({
    wire: await openClient(new Endpoint(url, { ...(token && { token }) }), sessionId),
    reader: await startReader(),
  }),
  async ({ wire, reader }, { query }, tally) => {
    await reader.send((socket) =>
      drainResponses(wire, query, (data, rows) => {
        tally.add(rows);
        return socket.write(data) ? undefined : once(socket, "drain");
      }),
    );
  },
  async ({ wire, reader }) => {
    reader.close();
    await releaseSession(wire);
  },
);

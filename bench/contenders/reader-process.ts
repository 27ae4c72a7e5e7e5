import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

/** Another process that reads what it is sent. */
export interface ReaderProcess {
  /** Opens a socket to it for `write`; settles when all that was written has been read. */
  send(write: (socket: Socket) => Promise<void>): Promise<void>;
  close(): void;
}

export async function startReader(): Promise<ReaderProcess> {
  const child = fork(fileURLToPath(new URL("socket-reader.js", import.meta.url)), { execArgv: [] });
  const [port] = (await once(child, "message")) as [number];
  return {
    async send(write) {
      const socket = connect(port, "127.0.0.1");
      const closed = once(socket, "close");
      await write(socket);
      socket.end();
      await closed;
    },
    close: () => child.disconnect(),
  };
}

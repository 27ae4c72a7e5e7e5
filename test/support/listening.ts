import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when something listens on a port of this machine. */
export async function listening(port: number): Promise<void> {
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
    if (open) return;
    await sleep(50);
  }
}

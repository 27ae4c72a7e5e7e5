import { Endpoint } from "../connect/rpc/endpoint.js";

/** ms before the first message, and between updates. */
const QUIET_MS = 2_000;
const INTERVAL = 1_000;

/**
 * Reports on standard error that the program waits for a server, and on a terminal for how long, until the returned
 * function is called. It reports nothing if the server answers within QUIET_MS.
 *
 * @param url as for connect(), which also reports a malformed one
 */
export function showWaiting(url: string): () => void {
  let address: string;
  try {
    ({ address } = new Endpoint(url));
  } catch {
    return () => {};
  }
  const begin = performance.now();
  const tty = process.stderr.isTTY === true;
  let shown = false;
  const show = () => {
    const seconds = Math.round((performance.now() - begin) / 1000);
    if (tty) process.stderr.write(`\r\x1b[KWaiting for the server at ${address}: ${seconds} s`);
    else if (!shown) process.stderr.write(`Waiting for the server at ${address} …\n`);
    shown = true;
  };
  let interval: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    show();
    interval = setInterval(show, INTERVAL);
  }, QUIET_MS);
  return () => {
    clearTimeout(timer);
    clearInterval(interval);
    if (shown && tty) process.stderr.write("\r\x1b[K");
  };
}

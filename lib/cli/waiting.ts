import { Endpoint } from "../connect/rpc/endpoint.js";

/** ms before anything is said, and between two looks at the clock. */
const QUIET_MS = 2_000;
const INTERVAL = 1_000;

/**
 * Says on standard error that a server is waited for, and on a terminal for how long, until the function that it returns is
 * called. Says nothing of a server that answers soon.
 *
 * @param url as for connect(); a malformed one is for connect() to refuse
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

import { isIP } from "node:net";

/** Whether a host, by its name or address, is this machine and reachable from nowhere else. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** Finds the address to listen on, and the address that executors connect to. */
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { isIP } from "node:net";
import type { Endpoint } from "../connect/rpc/endpoint.js";
import { isLoopback } from "../connect/rpc/loopback.js";
import { SparkStreamError } from "../errors.js";
import type { ReachOptions } from "../runtime/reach-options.js";

export interface TaskAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** The address that a task connects to if this process listens on that port. */
  advertised(port: number): { host: string; port: number };
}

/**
 * Finds the addresses. The default is the local address of this process's route to the server.
 *
 * @param option the name of the options, for messages: "push"
 * @throws SparkStreamError INVALID_ARGUMENT; UNAVAILABLE if the server's name cannot be looked up
 */
export async function taskAddress(options: ReachOptions, endpoint: Endpoint, option: string): Promise<TaskAddress> {
  const host = options.host ?? (await addressTowards(endpoint, option));
  const advertise = options.advertise === undefined ? undefined : advertised(options.advertise, option);
  const told = advertise?.host ?? (isWildcard(host) ? await addressTowards(endpoint, option) : host);
  const local = isLoopback(host) && isLoopback(told);
  if (options.tls === false && !local) {
    const message = `${option}.tls: false would send the data in plain text to other machines: ${host} or ${told} is not a loopback address.`;
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  return {
    host,
    port: options.port ?? 0,
    tls: options.tls ?? !local,
    advertised: (port) => ({ host: told, port: advertise?.port ?? port }),
  };
}

/** Parses `name`, `name:port`, `[v6]:port`, or a bare v6 address. */
function advertised(text: string, option: string): { host: string; port?: number } {
  if (isIP(text)) return { host: text };
  const [, v6, name, port] = /^(?:\[([^\]]+)\]|([\w.-]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = v6 ?? name;
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65535);
  if (host === undefined || (v6 !== undefined && isIP(v6) !== 6) || !isPort) {
    const message = `${option}.advertise must be a name or an address, with :port if it differs, such as "node.example.com:7000" or "[::1]:7000", not ${JSON.stringify(text)}.`;
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  return { host, ...(port !== undefined && { port: Number(port) }) };
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** The local address of a datagram socket connected to the server; no packet is sent. */
async function addressTowards({ host, port }: Endpoint, option: string): Promise<string> {
  try {
    const { address, family } = await lookup(host);
    const socket = createSocket(family === 6 ? "udp6" : "udp4");
    try {
      socket.connect(port, address);
      await once(socket, "connect");
      return socket.address().address;
    } finally {
      socket.close();
    }
  } catch (cause) {
    const message = `The address of this process on the way to ${host} cannot be determined. Set ${option}.host.`;
    throw new SparkStreamError("UNAVAILABLE", message, { cause });
  }
}

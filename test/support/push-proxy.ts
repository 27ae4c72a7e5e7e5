import type { PushOptions } from "../../lib/index.js";
import { type ConnectionFault, type FaultProxy, startFaultProxy } from "./fault-proxy.js";
import { freePort } from "./free-port.js";

export interface PushProxy extends FaultProxy {
  /** Options of a stream whose tasks go through the proxy. */
  readonly push: PushOptions;
  /** The port that the stream listens on. */
  readonly target: number;
}

/**
 * A proxy between tasks and the stream that they push to. In a session that has not pushed through it before, the first
 * connection is that of a probe.
 */
export async function startPushProxy(
  faultOf?: (connection: number) => ConnectionFault | undefined,
): Promise<PushProxy> {
  const target = await freePort();
  const proxy = await startFaultProxy({ port: target }, faultOf);
  return Object.assign(proxy, { target, push: { port: target, advertise: `127.0.0.1:${proxy.port}` } });
}

/** How Spark's executors reach this process, to push a stream's batches to it, or to fetch them from it. */
import { filled, flag, type OptionTable, whole } from "./check-options.js";

export interface ReachOptions {
  /** The address to listen on. Default: the local address of this process's route to the server. */
  host?: string;
  /** The port to listen on. Default: 0, a free one. */
  port?: number;
  /**
   * The address that executors connect to, if it differs from `host`: a name or address as they see it, with `:port` if
   * the port differs, too.
   */
  advertise?: string;
  /**
   * Whether to use TLS 1.3. Default: true, unless both addresses are loopback addresses; only then false is allowed.
   */
  tls?: boolean;
}

/** @internal */
export const reachOptions: OptionTable<ReachOptions> = {
  host: filled,
  port: whole(0, 65535),
  advertise: filled,
  tls: flag,
};

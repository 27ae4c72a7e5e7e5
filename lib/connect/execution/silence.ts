/**
 * Finds out that a server is silent although an answer is awaited: a connection that is dead and doesn't know, or a server
 * that hangs. A server ends every stream after a time (stream-limits.ts), so one that is silent for longer is useless.
 */
import { status } from "@grpc/grpc-js";
import { type StreamLimits, silentAfter } from "../rpc/stream-limits.js";

/** ms between two looks. */
const PERIOD = 1_000;

/** Its timer looks now and then, so that an answer costs none of its own; it keeps no process alive, and ends by itself. */
export class SilenceWatch {
  readonly #limits: () => Promise<StreamLimits>;
  #timer: NodeJS.Timeout | undefined;
  /** Since when an answer is awaited; ms, performance.now(). */
  #since: number | undefined;
  #onSilence: (error: Error) => void = () => {};

  constructor(limits: () => Promise<StreamLimits>) {
    this.#limits = limits;
  }

  /** An answer is awaited. If none comes for too long, `onSilence` is called with a deadline that has passed. */
  begin(onSilence: (error: Error) => void): void {
    this.#since = performance.now();
    this.#onSilence = onSilence;
    this.#timer ??= setInterval(() => this.#look(), PERIOD).unref();
  }

  /** It has come. */
  end(): void {
    this.#since = undefined;
  }

  async #look(): Promise<void> {
    const since = this.#since;
    if (since === undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (performance.now() - since < PERIOD) return; // the limits may have to be asked for
    const most = silentAfter(await this.#limits());
    if (this.#since === since && performance.now() - since > most) this.#onSilence(silence(most));
  }
}

function silence(ms: number): Error {
  const message = `nothing has arrived for ${Math.round(ms / 1000)} s`;
  return Object.assign(new Error(message), { code: status.DEADLINE_EXCEEDED });
}

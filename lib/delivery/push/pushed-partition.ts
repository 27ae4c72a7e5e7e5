/**
 * One partition and the attempts to send it, as a state machine: each batch counts once, whatever happens to the tasks.
 *
 *   state      on                              to         action
 *   free       an attempt connects             sending    it continues after the batches received
 *   sending    another connects (a twin)       sending    the other one waits
 *   sending    the next batch                  sending    the batch is taken
 *   sending    the end, with equal totals      complete   acknowledged
 *   sending    the sender disconnects          free       the next waiting attempt continues
 *   sending    recomputed batches that differ  failed     NOT_DETERMINISTIC
 *   complete   an attempt connects, or waited  complete   it recomputes all batches, which have to be as many
 *   complete   it has more batches             failed     INCOMPLETE_RESULT: the first one ended with its executor
 *
 * "After the batches received": the new attempt recomputes all batches, and sends the totals of as many as were
 * received already, including a running hash. If none of them was delivered yet, they are dropped instead, and it
 * starts over.
 */
import { incompleteResult, SparkStreamError } from "../../errors.js";
import { nothing, sameTotals, type Totals } from "./totals.js";

/** The messages that a task's attempt at a partition receives. */
export interface Attempt {
  readonly number: number;
  /** Asks the attempt to send the batches after the first `batches`. */
  goOn(batches: number): void;
}

export class PushedPartition {
  readonly id: number;
  /** The totals of the batches received, delivered or not. */
  #here: Totals = nothing;
  #anyDelivered = false;
  #sender: Attempt | undefined;
  /** Whether the sender must still prove that its first batches equal those received. */
  #unproven = false;
  readonly #waiting: Attempt[] = [];
  readonly #completeBy = new Set<number>();
  readonly #forget: () => void;

  /** @param forget drops the batches that were received and not delivered */
  constructor(id: number, forget: () => void) {
    this.id = id;
    this.#forget = forget;
  }

  get totals(): Totals {
    return this.#here;
  }

  get complete(): boolean {
    return this.#completeBy.size > 0;
  }

  /** The numbers of the attempts that have sent, or recomputed, the whole partition. */
  get completeBy(): ReadonlySet<number> {
    return this.#completeBy;
  }

  get hasSender(): boolean {
    return this.#sender !== undefined;
  }

  /** Marks the received batches as delivered: from now on they cannot be dropped. */
  markDelivered(): void {
    this.#anyDelivered = true;
  }

  join(attempt: Attempt): void {
    if (this.#sender) this.#waiting.push(attempt);
    else this.#begin(attempt);
  }

  /** To be called when an attempt has disconnected, done or not. */
  leave(attempt: Attempt): void {
    const index = this.#waiting.indexOf(attempt);
    if (index >= 0) this.#waiting.splice(index, 1);
    if (this.#sender !== attempt) return;
    this.#sender = undefined;
    const next = this.#waiting.shift();
    if (next) this.#begin(next);
  }

  /**
   * To be called when the sender has recomputed the batches received.
   *
   * @returns whether it was asked to do so
   * @throws SparkStreamError NOT_DETERMINISTIC
   */
  resumed(totals: Totals): boolean {
    if (!this.#unproven) return false;
    if (!sameTotals(totals, this.#here)) throw this.#different();
    this.#unproven = false;
    return true;
  }

  /**
   * Whether a batch is the next one, according to the totals that its sender announces.
   *
   * @param bytes the batch's size
   * @throws SparkStreamError NOT_DETERMINISTIC
   */
  isNext({ rows, batches, bytes: size }: Totals, bytes: number): boolean {
    if (this.#unproven) throw this.#different();
    if (this.complete) throw this.#cut();
    return batches === this.#here.batches + 1 && size === this.#here.bytes + bytes && rows > this.#here.rows;
  }

  /** Takes the batch after it was received completely. Returns its number of rows. */
  take(totals: Totals): number {
    const rows = totals.rows - this.#here.rows;
    this.#here = totals;
    return rows;
  }

  /**
   * To be called when the sender reports the end.
   *
   * @returns whether the partition is complete
   * @throws SparkStreamError NOT_DETERMINISTIC
   */
  end(attempt: Attempt, totals: Totals): boolean {
    if (this.#unproven) throw this.#different();
    if (!sameTotals(totals, this.#here)) return false;
    this.#completeBy.add(attempt.number);
    return true;
  }

  #begin(attempt: Attempt): void {
    this.#sender = attempt;
    if (!this.complete && !this.#anyDelivered && this.#here.batches > 0) {
      this.#here = nothing;
      this.#forget();
    }
    this.#unproven = this.#here.batches > 0;
    attempt.goOn(this.#here.batches);
  }

  /** A Python worker that outlives its JVM takes the cut of its input for the end of it. */
  #cut(): SparkStreamError {
    const what = `A task of partition ${this.id} ended with its executor before it had sent everything, and took that for the end`;
    return incompleteResult(what);
  }

  #different(): SparkStreamError {
    const message =
      `Partition ${this.id} was recomputed after its task failed, and has different data; some of it had been delivered. ` +
      "Make the query deterministic (a sort within partitions, a seed for rand()), or hold each partition back until " +
      "its task has ended: push: { spool: true }.";
    return new SparkStreamError("NOT_DETERMINISTIC", message);
  }
}

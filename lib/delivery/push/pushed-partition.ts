/**
 * One partition and the attempts to send it, as a state machine: whatever becomes of its tasks, each of its batches counts
 * once.
 *
 *   state      on                              to         doing
 *   free       an attempt comes                sending    it continues after the batches here
 *   sending    another comes (a twin)          sending    the other one waits
 *   sending    a batch, in its order           sending    it is taken
 *   sending    the end, and all agrees         complete   acknowledged; those who wait hear that it is done
 *   sending    the sender is gone              free       the next of those who wait goes on
 *   sending    recomputed batches that differ  failed     NOT_DETERMINISTIC
 *   complete   an attempt comes                complete   it hears that it is done, and by whom
 *
 * "After the batches here": the new attempt recomputes all batches, and sends the totals of as many as are here already, a
 * running hash among them. As long as none of them was delivered, they are dropped instead, and the attempt starts over.
 */
import { SparkStreamError } from "../../errors.js";
import { nothing, sameTotals, type Totals } from "./totals.js";

/** The messages that a task's attempt at a partition receives. */
export interface Attempt {
  readonly number: number;
  /** Asks it to send the batches after the first `batches`. */
  goOn(batches: number): void;
  /** It has nothing to do: another attempt has sent it all. */
  done(by: number, totals: Totals): void;
}

export class PushedPartition {
  readonly id: number;
  /** The batches that are here, delivered or not. */
  #here: Totals = nothing;
  #anyDelivered = false;
  #sender: Attempt | undefined;
  /** Whether the sender still has to show that its first batches are those that are here. */
  #unproven = false;
  readonly #waiting: Attempt[] = [];
  #completeBy: number | undefined;
  readonly #forget: () => void;

  /** @param forget drops the batches that are here and were not delivered */
  constructor(id: number, forget: () => void) {
    this.id = id;
    this.#forget = forget;
  }

  get totals(): Totals {
    return this.#here;
  }

  get complete(): boolean {
    return this.#completeBy !== undefined;
  }

  /** The number of the attempt that completed the partition. */
  get completeBy(): number | undefined {
    return this.#completeBy;
  }

  get hasSender(): boolean {
    return this.#sender !== undefined;
  }

  /** From now on the batches here cannot be taken back. */
  markDelivered(): void {
    this.#anyDelivered = true;
  }

  join(attempt: Attempt): void {
    if (this.#completeBy !== undefined) attempt.done(this.#completeBy, this.#here);
    else if (this.#sender) this.#waiting.push(attempt);
    else this.#begin(attempt);
  }

  /** It is gone, done or not. */
  leave(attempt: Attempt): void {
    const index = this.#waiting.indexOf(attempt);
    if (index >= 0) this.#waiting.splice(index, 1);
    if (this.#sender !== attempt) return;
    this.#sender = undefined;
    const next = this.complete ? undefined : this.#waiting.shift();
    if (next) this.#begin(next);
  }

  /**
   * The sender has made as many batches as are here.
   *
   * @returns whether it was asked to
   * @throws SparkStreamError NOT_DETERMINISTIC
   */
  resumed(totals: Totals): boolean {
    if (!this.#unproven) return false;
    if (!sameTotals(totals, this.#here)) throw this.#different();
    this.#unproven = false;
    return true;
  }

  /**
   * Whether a batch is the next one, by what its sender says before it comes.
   *
   * @param bytes of it
   * @throws SparkStreamError NOT_DETERMINISTIC
   */
  isNext({ rows, batches, bytes: size }: Totals, bytes: number): boolean {
    if (this.#unproven) throw this.#different();
    return batches === this.#here.batches + 1 && size === this.#here.bytes + bytes && rows > this.#here.rows;
  }

  /** That batch has come whole. Returns its rows. */
  take(totals: Totals): number {
    const rows = totals.rows - this.#here.rows;
    this.#here = totals;
    return rows;
  }

  /**
   * The sender says that this was all.
   *
   * @returns whether it was
   * @throws SparkStreamError NOT_DETERMINISTIC
   */
  end(attempt: Attempt, totals: Totals): boolean {
    if (this.#unproven) throw this.#different();
    if (!sameTotals(totals, this.#here)) return false;
    this.#completeBy = attempt.number;
    for (const waiting of this.#waiting.splice(0)) waiting.done(attempt.number, totals);
    return true;
  }

  #begin(attempt: Attempt): void {
    this.#sender = attempt;
    if (!this.#anyDelivered && this.#here.batches > 0) {
      this.#here = nothing;
      this.#forget();
    }
    this.#unproven = this.#here.batches > 0;
    attempt.goOn(this.#here.batches);
  }

  #different(): SparkStreamError {
    const message =
      `Partition ${this.id} was recomputed after its task failed, and has different data; some of it had been delivered. ` +
      "Make the query deterministic (a sort within partitions, a seed for rand()), or hold each partition back until " +
      "its task has ended: push: { spool: true }.";
    return new SparkStreamError("NOT_DETERMINISTIC", message);
  }
}

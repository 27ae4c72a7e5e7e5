/** SQL commands that did not run, since nobody used their DataFrame. */

/** Statements whose result is their point: not to run one changes nothing. WITH and FROM may be an INSERT, but seldom are. */
const QUERIES = /^(?:\(|(?:SELECT|VALUES|TABLE|WITH|FROM|SHOW|DESC|DESCRIBE|EXPLAIN|LIST|HELP)\b|$)/i;
/** The part of a command that is shown: its options may have secrets. */
const WORDS = 4;
const MAX_LENGTH = 60;

export class UnusedCommands {
  readonly #heads = new Set<{ readonly head: string }>();

  /**
   * Takes note of a statement.
   *
   * @param text from its first word on
   * @returns to be called when its DataFrame is used
   */
  add(text: string): () => void {
    if (QUERIES.test(text)) return () => {};
    const words = text.split(/\s+/, WORDS + 1);
    const head = words.slice(0, WORDS).join(" ").slice(0, MAX_LENGTH);
    const command = { head: head.length < text.trimEnd().length ? `${head} …` : head };
    this.#heads.add(command);
    if (withUnused.size === 0) process.on("beforeExit", warnOfAll);
    withUnused.add(this);
    return () => {
      this.#heads.delete(command);
      if (this.#heads.size === 0) this.#forget();
    };
  }

  /** Emits a process warning for the commands that were never used: a DataFrame is not a promise, and `await` does not run it. */
  warn(): void {
    const [first] = this.#heads;
    if (!first) return;
    const others = this.#heads.size > 1 ? ` (and ${this.#heads.size - 1} more)` : "";
    const message = `spark.sql(${JSON.stringify(first.head)})${others} did not run: its DataFrame was never used. Call execute() on it.`;
    process.emitWarning(message, { type: "SparkStreamWarning", code: "UNUSED_COMMAND" });
    this.#heads.clear();
    this.#forget();
  }

  #forget(): void {
    if (withUnused.delete(this) && withUnused.size === 0) process.off("beforeExit", warnOfAll);
  }
}

/** The sessions that are not closed yet: a program may end without closing them. */
const withUnused = new Set<UnusedCommands>();

function warnOfAll(): void {
  for (const commands of [...withUnused]) commands.warn();
}

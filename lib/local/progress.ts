/** Receives the progress of an installation as human-readable text, one short line per call. */
export type OnProgress = (message: string) => void;

/** The part of process.stderr that a progress line needs. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** ms between two lines that differ only in their figures, if lines cannot be rewritten. */
const SPARSE = 15_000;

/**
 * A progress line that is rewritten in place on a terminal. Elsewhere, such as in a CI log, it prints a line for each
 * new step, and at intervals one for the step's progress. It prints nothing before the first message.
 */
export class ProgressLine {
  readonly #stream: ProgressStream;
  #shape = "";
  #printedAt = 0;

  constructor(stream: ProgressStream = process.stderr) {
    this.#stream = stream;
  }

  readonly report: OnProgress = (message) => {
    const shape = message.replace(/\d+/g, "#");
    const sameThing = shape === this.#shape;
    if (this.#stream.isTTY) {
      const width = (this.#stream.columns ?? 80) - 1;
      this.#stream.write(`\r\x1b[2K${message.length > width ? `${message.slice(0, width - 1)}…` : message}`);
    } else if (!sameThing || Date.now() - this.#printedAt >= SPARSE) {
      this.#stream.write(`${message}\n`);
      this.#printedAt = Date.now();
    }
    this.#shape = shape;
  };

  /** Leaves the terminal's cursor on a clean line. */
  end(): void {
    if (this.#stream.isTTY && this.#shape) this.#stream.write("\r\x1b[2K");
    this.#shape = "";
  }
}

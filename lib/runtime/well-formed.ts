import { SparkStreamError } from "../errors.js";

/** Half of a UTF-16 pair without its other half. UTF-8 cannot express it: an encoder writes U+FFFD instead. */
const LONE_SURROGATE = /\p{Surrogate}/u;
/** The number of characters shown before and after it. */
const AROUND = 20;

/**
 * Checks all strings of a message before it is sent: SQL, parameters, names, paths, tags.
 *
 * @param message plain data: objects, arrays, strings, bytes
 * @throws SparkStreamError INVALID_ARGUMENT for a string that UTF-8 cannot express
 */
export function checkWellFormed(message: unknown): void {
  if (typeof message === "string") {
    checkText("A text", message);
  } else if (typeof message === "object" && message !== null && !ArrayBuffer.isView(message)) {
    for (const [name, value] of Object.entries(message)) {
      checkWellFormed(name);
      checkWellFormed(value);
    }
  }
}

/** @throws SparkStreamError INVALID_ARGUMENT for a string that UTF-8 cannot express: `A text has half of a UTF-16 pair …` */
export function checkText(what: string, text: string): void {
  const at = text.search(LONE_SURROGATE);
  if (at < 0) return;
  const shown = JSON.stringify(text.slice(Math.max(0, at - AROUND), at + AROUND));
  const message = `${what} has half of a UTF-16 pair at character ${at}, which UTF-8 cannot express: ${shown}. Cut texts between characters, or replace it with toWellFormed().`;
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}

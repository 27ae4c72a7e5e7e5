import { SparkStreamError } from "../errors.js";

/** Half of a UTF-16 pair without the other one: no text in UTF-8 has it, and an encoder puts U+FFFD in its place. */
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Characters before and behind it in the message. */
const AROUND = 20;

/**
 * Checks all texts of a message, before it is sent: SQL, parameters, names, paths, tags.
 *
 * @param message plain data: objects, arrays, texts, bytes
 * @throws SparkStreamError INVALID_ARGUMENT for a text that cannot be UTF-8
 */
export function checkWellFormed(message: unknown): void {
  if (typeof message === "string") {
    const at = message.search(LONE_SURROGATE);
    if (at >= 0) throw loneSurrogate(message, at);
  } else if (typeof message === "object" && message !== null && !ArrayBuffer.isView(message)) {
    for (const [name, value] of Object.entries(message)) {
      checkWellFormed(name);
      checkWellFormed(value);
    }
  }
}

function loneSurrogate(text: string, at: number): SparkStreamError {
  const shown = JSON.stringify(text.slice(Math.max(0, at - AROUND), at + AROUND));
  const message = `A text has half of a UTF-16 pair at character ${at}, which cannot be sent: ${shown}. Cut texts between characters, or replace it with toWellFormed().`;
  return new SparkStreamError("INVALID_ARGUMENT", message);
}

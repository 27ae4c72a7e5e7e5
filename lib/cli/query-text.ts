/** Reads the text of a query, from a file or from standard input. */
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { SparkStreamError } from "../errors.js";

/** @throws SparkStreamError INVALID_ARGUMENT for a file that cannot be read, is not text, or contains no query */
export async function readQuery(path: string): Promise<string> {
  const name = path === "-" ? "standard input" : path;
  let bytes: Buffer;
  try {
    bytes = path === "-" ? await buffer(process.stdin) : await readFile(path);
  } catch (cause) {
    throw invalid(`Cannot read the query: ${(cause as Error).message}`, cause);
  }
  const text = decode(bytes, name);
  if (isBlank(text)) throw invalid(`There is no query in ${name}: it is empty, or has only comments`);
  return text;
}

/** Whether there is nothing to run: white space, comments and semicolons. */
export function isBlank(sql: string): boolean {
  return /^[\s;]*$/.test(sql.replace(/--[^\r\n]*|\/\*[\s\S]*?\*\//g, " "));
}

/** Byte order marks and their encodings. Windows writes all three. */
const marks: readonly (readonly [bytes: readonly number[], encoding: string])[] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
];

const ADVICE = "Save it as UTF-8, or as UTF-16 with a byte order mark";

/** @throws SparkStreamError INVALID_ARGUMENT for bytes that are not text in UTF-8, or in UTF-16 with a byte order mark */
export function decode(bytes: Uint8Array, name: string): string {
  const [, encoding] = marks.find(([mark]) => mark.every((byte, index) => bytes[index] === byte)) ?? [[], "utf-8"];
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes); // without the mark
  } catch (cause) {
    throw invalid(`The query in ${name} is not valid ${encoding.toUpperCase()}. ${ADVICE}`, cause);
  }
  // Each second byte of UTF-16 is mostly 0, and so are three of four of UTF-32.
  if (!text.includes("\0")) return text;
  throw invalid(`The query in ${name} has NUL characters: is it UTF-16 without a byte order mark? ${ADVICE}`);
}

function invalid(reason: string, cause?: unknown): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `${reason}.`, { cause });
}

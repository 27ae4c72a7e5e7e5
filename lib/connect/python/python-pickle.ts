/**
 * The few opcodes of Python's pickle, protocol 2, that call functions by their names: enough to hand a Python worker a
 * function as source text, without a Python here.
 *
 *   80 02            PROTO 2
 *   c module\nname\n GLOBAL       push the object of that name
 *   X len4 utf8      BINUNICODE   push a string; the length is little-endian
 *   85 / 86          TUPLE1 / TUPLE2
 *   R                REDUCE       call the object below the tuple with it
 *   .                STOP
 */
import { SparkStreamError } from "../../errors.js";

/** A value that is made when the pickle is read. */
export type PickledCall = Buffer;

/** `module.name(argument)` */
export function call(module: string, name: string, argument: string): PickledCall {
  for (const part of [module, name]) {
    if (part.includes("\n")) throw new SparkStreamError("INVALID_ARGUMENT", "A Python name has no line breaks.");
  }
  const text = Buffer.from(argument, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from(`c${module}\n${name}\nX`), length, text, Buffer.from("\x85R", "latin1")]);
}

/** A pickle of the pair of two such values. */
export function pickledPair(first: PickledCall, second: PickledCall): Uint8Array {
  return Buffer.concat([Buffer.from("\x80\x02", "latin1"), first, second, Buffer.from("\x86.", "latin1")]);
}

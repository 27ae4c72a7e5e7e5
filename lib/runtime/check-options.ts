/**
 * Checks every options object and every argument: a table has the rule for each option, and all messages have one form.
 * Messages show the value, unless it may be secret.
 */
import { SparkStreamError } from "../errors.js";
import { checkText } from "./well-formed.js";

/** A rule for a value; `is` follows "must be" in the message. */
export type Rule = readonly [isValid: (value: unknown) => boolean, is: string, more?: RuleDetails];

interface RuleDetails {
  /** The value may be a secret: no message shows it. */
  readonly secret?: true;
  /** The option must be given. */
  readonly required?: true;
  /** The rules for nested options, if the value is an object. */
  readonly within?: Readonly<Record<string, Rule>>;
}

/** A rule for each option of an options object: a type error if one is missing. */
export type OptionTable<T> = { readonly [name in keyof Required<T>]: Rule };

/**
 * Checks an options object. An option that is undefined counts as not given.
 *
 * @param of the function that takes the options, as messages name it: "connect()"
 * @throws SparkStreamError INVALID_ARGUMENT if it is not an object, for an unknown option, and for an invalid value
 */
export function checkOptions<T extends object>(of: string, options: T, table: OptionTable<T>): void {
  if (!isBag(options)) throw invalid(`The options of ${of} must be an object, not ${shown(options)}`);
  checkBag(of, "", options, table);
}

/** @throws SparkStreamError INVALID_ARGUMENT: `Argument "rows" of limit() must be …, not 1.5.` */
export function checkArgument(of: string, name: string, value: unknown, [isValid, is, { secret } = {}]: Rule): void {
  const what = `Argument "${name}" of ${of}`;
  if (!isValid(value)) throw invalid(`${what} must be ${is}${butIs(value, secret)}`);
  if (!secret) checkTexts(what, value);
}

/** Checks each of a function's rest arguments. @throws SparkStreamError INVALID_ARGUMENT */
export function checkArguments(of: string, name: string, values: readonly unknown[], rule: Rule): void {
  for (const [index, value] of values.entries()) checkArgument(of, `${name}[${index}]`, value, rule);
}

/** @throws SparkStreamError INVALID_ARGUMENT naming the known names, and the one that was probably meant. */
export function checkKnown(kind: string, of: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const nearest = nearestOf(name, known);
  const hint = nearest === undefined ? "" : ` Did you mean ${JSON.stringify(nearest)}?`;
  throw invalid(`Unknown ${kind} ${shown(name)}${of}.${hint} Known ${kind}s: ${known.join(", ")}`);
}

function checkBag(of: string, prefix: string, options: object, table: Readonly<Record<string, Rule>>): void {
  const known = Object.keys(table).map((name) => prefix + name);
  for (const name of Object.keys(options)) checkKnown("option", ` of ${of}`, prefix + name, known);
  for (const [name, [isValid, is, { secret, required, within } = {}]] of Object.entries(table)) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined && required)
      throw invalid(`Option "${prefix}${name}" of ${of} is missing; it must be ${is}`);
    if (value === undefined) continue;
    const what = `Option "${prefix}${name}" of ${of}`;
    if (!isValid(value)) throw invalid(`${what} must be ${is}${butIs(value, secret)}`);
    if (within && isBag(value)) checkBag(of, `${prefix}${name}.`, value, within);
    else if (!secret) checkTexts(what, value);
  }
}

/** Checks that a string, or the names and strings of an object, can be sent or written exactly as given. */
function checkTexts(what: string, value: unknown): void {
  const texts = isBag(value) ? Object.entries(value).flat() : [value];
  for (const text of texts) if (isText(text)) checkText(what, text);
}

function butIs(value: unknown, secret: true | undefined): string {
  return secret ? "" : `, not ${shown(value)}`;
}

/** The largest int32 of the protocol. */
export const INT_MAX = 2 ** 31 - 1;

export const isText = (value: unknown): value is string => typeof value === "string";
export const isFilled = (value: unknown): value is string => typeof value === "string" && value !== "";
const isFunction = (value: unknown) => typeof value === "function";

export const text: Rule = [isText, "a string"];
export const filled: Rule = [isFilled, "a non-empty string"];
export const flag: Rule = [(value) => typeof value === "boolean", "true or false"];
export const callback: Rule = [isFunction, "a function"];

/** Node's own AbortSignal, or one that works the same way. */
export const abortSignal: Rule = [
  (value) => isObject(value) && "aborted" in value && isFunction((value as Partial<AbortSignal>).addEventListener),
  "an AbortSignal",
];

/** A number of bytes. It may be Infinity. */
export const byteCount: Rule = [(value) => typeof value === "number" && value >= 1, "a number of bytes, 1 or more"];

/** A Spark master URL for this machine. */
export const localMaster: Rule = [
  (master) => isText(master) && /^local(\[(\*|\d+)(,\d+)?\])?$/.test(master),
  '"local", "local[4]" or "local[*]"',
];

/** An object of strings. */
export const strings: Rule = [(value) => isBag(value) && Object.values(value).every(isText), "an object of strings"];

/** @param unit the number's unit, such as "rows" */
export function whole(from: number, to: number, unit = ""): Rule {
  const number = unit === "" ? "number" : `number of ${unit}`;
  return [
    (value) => Number.isInteger(value) && Number(value) >= from && Number(value) <= to,
    `a whole ${number} from ${from} to ${to}`,
  ];
}

/** A duration, 0 or more. */
export const milliseconds: Rule = whole(0, INT_MAX, "milliseconds");

export function oneOf(...choices: readonly string[]): Rule {
  const quoted = choices.map((choice) => JSON.stringify(choice));
  return [(value) => choices.includes(value as string), `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`];
}

/** An object of options. */
export function nested<T extends object>(table: OptionTable<T>): Rule {
  return [isBag, "an object of options", { within: table }];
}

/** Returns the rule for a value that no message may show. */
export function secret([isValid, is, more]: Rule): Rule {
  return [isValid, is, { ...more, secret: true }];
}

/** Whether Spark accepts the value as an operation's tag. */
export const isTag = (value: unknown): boolean => isFilled(value) && !value.includes(",");

/** Returns the rule for an option that must be given. */
export function required([isValid, is, more]: Rule): Rule {
  return [isValid, is, { ...more, required: true }];
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether the value is a plain options object, not an array, a Map or a Date, whose contents would be ignored. */
export function isBag(value: unknown): value is object {
  return isObject(value) && Object.prototype.toString.call(value) === "[object Object]";
}

const MAX_SHOWN = 60;

/** Formats a value for a message: short, and without the contents of an object. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
    case "bigint":
      return `${value}n`;
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    case "object":
      return value === null ? "null" : Array.isArray(value) ? shownArray(value) : nameOf(value);
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
}

function shownArray(values: readonly unknown[]): string {
  const items = Array.from(values.slice(0, 4), (value) => (Array.isArray(value) ? "[…]" : shown(value)));
  return `[${items.join(", ")}${values.length > items.length ? ", …" : ""}]`;
}

function nameOf(value: object): string {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const { constructor: own } = value;
  const name = tag !== "Object" ? tag : typeof own === "function" && own !== Object && own.name;
  if (!name) return "an object";
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}

/** Finds the known name that differs only by a typo: in at most a third of its letters. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  if (typeof name !== "string") return undefined;
  const lower = name.slice(0, MAX_SHOWN).toLowerCase();
  const distances = known.map((candidate) => distance(lower, candidate.toLowerCase()));
  const least = Math.min(...distances);
  const nearest = known[distances.indexOf(least)];
  return nearest !== undefined && least <= Math.max(1, Math.floor(nearest.length / 3)) ? nearest : undefined;
}

/** The Levenshtein distance: how many letters must be inserted, deleted or replaced. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (one[i] === other[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length]!;
}

function invalid(message: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `${message}.`);
}

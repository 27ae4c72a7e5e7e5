import { status } from "@grpc/grpc-js";
import type { QueryContext } from "../errors.js";
import {
  checkOptions,
  filled,
  isObject,
  isText,
  milliseconds,
  type OptionTable,
  required,
  strings,
  text,
} from "../runtime/check-options.js";

/** A failure as the server reports it. */
export interface SparkErrorInit {
  /** The name of a gRPC status. Default: "INTERNAL", which Spark uses for nearly everything. */
  code?: Exclude<keyof typeof status, "OK">;
  message: string;
  /** Spark's error class, e.g. `TABLE_OR_VIEW_NOT_FOUND`; without one the error looks as if it came from gRPC itself. */
  errorClass?: string;
  sqlState?: string;
  messageParameters?: Readonly<Record<string, string>>;
  /** Reported by FetchErrorDetails only, as in Spark. */
  queryContext?: readonly Partial<QueryContext>[];
  /** ms; sends a RetryInfo, with which Spark (4.1 and later) asks for a retry. */
  retryAfterMs?: number;
}

const errorOptions: OptionTable<SparkErrorInit> = {
  code: [
    (name) => isText(name) && name !== "OK" && Object.hasOwn(status, name),
    "the name of a gRPC status, except OK",
  ],
  message: required(text),
  errorClass: filled,
  sqlState: filled,
  messageParameters: strings,
  queryContext: [(contexts) => Array.isArray(contexts) && contexts.every(isObject), "an array of query contexts"],
  retryAfterMs: milliseconds,
};

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkErrorInit(of: string, init: SparkErrorInit): void {
  checkOptions(of, init, errorOptions);
}

import type { DataFrame } from "./dataframe.js";

/** What a DataFrame is known by, so that nobody has to load its class, and gRPC with it, to ask. */
export const dataFrameMark = Symbol.for("spark-arrow-stream.DataFrame");

export function isDataFrame(value: unknown): value is DataFrame {
  return typeof value === "object" && value !== null && dataFrameMark in value;
}

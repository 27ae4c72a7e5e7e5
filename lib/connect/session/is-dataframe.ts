import { hasDataFrameMark } from "./arguments.js";
import type { DataFrame } from "./session.js";

export function isDataFrame(value: unknown): value is DataFrame {
  return hasDataFrameMark(value);
}

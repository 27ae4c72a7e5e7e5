export { type LocalSpark, startLocalSpark } from "./local-spark.js";
export type { LocalSparkOptions } from "./options.js";
export type { OnProgress } from "./progress.js";

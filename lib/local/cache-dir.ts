import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/**
 * The per-user directory for the files of a local Spark: SPARK_ARROW_STREAM_CACHE; else `spark-arrow-stream` in
 * ~/Library/Caches on macOS, in XDG_CACHE_HOME or ~/.cache elsewhere. It may not exist yet. Everything in it can be
 * deleted while no local Spark runs.
 */
export function cacheDir(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  if (env.SPARK_ARROW_STREAM_CACHE) return resolve(env.SPARK_ARROW_STREAM_CACHE);
  const home = env.HOME || homedir();
  if (platform === "darwin") return join(home, "Library", "Caches", "spark-arrow-stream");
  // The XDG base directory specification: a relative path is to be ignored.
  const xdg = env.XDG_CACHE_HOME;
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, ".cache"), "spark-arrow-stream");
}

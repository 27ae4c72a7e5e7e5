import { connect, type SparkSession } from "../../lib/index.js";
import type { Task } from "../task.js";

/** The session of a task, by the package. */
export function openSession({
  url,
  token,
  sessionId,
}: Pick<Task, "url" | "token" | "sessionId">): Promise<SparkSession> {
  return connect(url, { ...(token && { token }), sessionId });
}

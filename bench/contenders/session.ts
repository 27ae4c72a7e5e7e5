import { connect, type SparkSession } from "../../lib/index.js";
import type { Task } from "../task.js";

/** The session of a task, by the package. */
export function openSession({
  url,
  token,
  sessionId,
  ownSession = false,
}: Pick<Task, "url" | "token" | "sessionId" | "ownSession">): Promise<SparkSession> {
  return connect(url, { ...(token && { token }), ...(!ownSession && { sessionId }) });
}

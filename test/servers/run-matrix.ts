import { connect, SparkStreamError } from "../../lib/index.js";
import { impatience } from "../support/spark.js";
import type { Check } from "./matrix.js";
import type { ServerKind } from "./spark-servers.js";

/** What a check came to: it works, or the server lacks something and the error says so, or it is wrong. */
export type Outcome =
  | { readonly kind: "works"; readonly note?: string }
  | { readonly kind: "says"; readonly message: string }
  | { readonly kind: "fails"; readonly error: Error };

/** ms that a check may take. */
const LIMIT = 120_000;

/** Each check has a session of its own. */
export async function outcomes(
  kind: ServerKind,
  checks: readonly Check[],
  onOutcome: (check: Check, outcome: Outcome) => void = () => {},
): Promise<Map<string, Outcome>> {
  const found = new Map<string, Outcome>();
  await using server = await kind.start(impatience);
  for (const check of checks) {
    const outcome = await outcomeOf(check, server);
    found.set(check.title, outcome);
    onOutcome(check, outcome);
  }
  return found;
}

export async function outcomeOf(check: Check, server: Awaited<ReturnType<ServerKind["start"]>>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const spark = await connect(server.url, { ...(server.token && { token: server.token }) });
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`It takes longer than ${LIMIT / 1000} s`)), LIMIT);
      });
      const note = await Promise.race([check.run({ server, spark }), late]);
      return { kind: "works", ...(note && { note }) };
    } finally {
      clearTimeout(timer);
      await spark.close();
    }
  } catch (error) {
    if (error instanceof SparkStreamError && error.code === "UNSUPPORTED")
      return { kind: "says", message: error.message };
    return { kind: "fails", error: error as Error };
  }
}

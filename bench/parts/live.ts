/** The frame of the replay from a real Spark, which shares the machine. */
import { randomUUID } from "node:crypto";
import { contenders, names } from "../contenders.js";
import { alternate } from "../measure.js";
import { recorded } from "../recording.js";
import { withSpark } from "../spark.js";
import { speedVerdict } from "../verdict.js";
import type { Part } from "./part.js";

export const live: Part = async ({ runs }) => {
  const frame = await recorded("batches-10000");
  const { title, query } = frame.recipe;
  const results = await withSpark(async (spark) =>
    alternate(await contenders(), () => ({ ...spark, sessionId: randomUUID(), query, passes: 1 }), frame, { runs }),
  );
  return [
    {
      title: `live, ${title} (${frame.rows} rows, ${Math.round(frame.arrowBytes / 1e6)} MB)`,
      results,
      verdicts: [speedVerdict(`live, ${title}`, results, names.ours, names.limit, 0.95)],
      remarks: [],
    },
  ];
};

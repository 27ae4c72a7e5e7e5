import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RunOptions } from "../call-options.js";
import type { RelationSchema } from "./generated/spark-connect_pb.js";

export type RelationInit = MessageInitShape<typeof RelationSchema>;

/**
 * Gives a DataFrame's relation. It may have to ask the server: what a SQL command gives is known once it ran. Whatever it
 * runs there has these tags, and ends with the signal.
 */
export type PlanSource = (options: RunOptions) => Promise<RelationInit>;

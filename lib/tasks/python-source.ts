/** Functions for tasks, as source text in Python, and what several of them do. */
import type { PythonFunction } from "../connect/python/python-function.js";

/**
 * @param source Python that defines the function `name`, of an iterator of record batches
 * @param settings names that the source has, besides what it imports
 */
export function sourceFunction(
  name: string,
  source: string,
  settings: object,
  output: PythonFunction["output"],
): PythonFunction {
  // JSON of strings and numbers is Python, too.
  const text = JSON.stringify(source);
  const expression = `(lambda scope: (exec(${text}, scope), scope[${JSON.stringify(name)}])[1])(${JSON.stringify(settings)})`;
  return { name, expression, output };
}

/** Gives a batch the schema that it is to have. */
export const SHAPED = `
def shaped(batch, schema):
    """With the schema that Spark's other clients see: what it optimises may make less nullable."""
    if len(schema) == 0:
        return batch.select([])
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    columns = [column if column.type.equals(field.type) else column.cast(field.type)
               for column, field in zip(batch.columns, schema)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
`;

/** Tells a task whether its input is whole. */
export const CUT = `
import sys


def cut():
    """Whether the input ended without Spark's marker. Then the JVM is gone, and Arrow has taken that for the end of the stream.

    It looks at the input of Spark's worker (infile in main() of worker.py): a function sees only what Arrow reads from it.
    """
    frame = sys._getframe()
    while frame:
        infile = frame.f_locals.get("infile")
        if hasattr(infile, "peek"):
            return not infile.peek(1)
        frame = frame.f_back
    return False
`;

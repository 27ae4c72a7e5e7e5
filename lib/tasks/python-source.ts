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

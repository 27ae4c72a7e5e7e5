/**
 * Makes objects with these fields, all of the same shape, from columns: `columns → row → object`.
 *
 * It is fast because an object literal is compiled for the schema. Names are put into its text as JSON strings;
 * `__proto__`, which would have a special meaning, in brackets, which are slower in V8. A process that forbids code
 * generation (`node --disallow-code-generation-from-strings`) gets the same objects, more slowly.
 */
export function rowBuilder(names: readonly string[]): (columns: readonly ArrayLike<unknown>[]) => RowOf {
  if (names.length > MAX_COMPILED) return interpreted(names);
  try {
    return compiled(names);
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    return interpreted(names);
  }
}

/**
 * The most fields of a literal. V8 makes larger objects hash tables, so it is no faster; the limit is 65,535
 * parameters.
 */
const MAX_COMPILED = 4096;

type RowOf = (row: number) => Record<string, unknown>;

function compiled(names: readonly string[]): (columns: readonly ArrayLike<unknown>[]) => RowOf {
  const parameters = names.map((_, index) => `c${index}`);
  const fields = names.map((name, index) => `${key(name)}: c${index}[row]`);
  const make = new Function(...parameters, `return (row) => ({ ${fields.join(", ")} });`);
  return (columns) => make(...columns) as RowOf;
}

function key(name: string): string {
  return name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
}

export function interpreted(names: readonly string[]): (columns: readonly ArrayLike<unknown>[]) => RowOf {
  return (columns) => (row) => {
    const object: Record<string, unknown> = {};
    for (const [index, name] of names.entries()) {
      const value = columns[index]![row];
      if (name !== "__proto__") object[name] = value;
      else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return object;
  };
}

/** The names of the observations (`df.observe()`) anywhere in a relation. */
export function observationsOf(message: unknown): string[] {
  if (typeof message !== "object" || message === null || ArrayBuffer.isView(message)) return [];
  const { case: kind, value } = message as { case?: unknown; value?: { name: string } };
  const own = kind === "collectMetrics" ? [value!.name] : [];
  return [...own, ...Object.values(message).flatMap(observationsOf)];
}

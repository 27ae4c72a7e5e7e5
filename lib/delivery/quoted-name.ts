/** A name as it may stand in SQL, whatever is in it. */
export function quotedName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

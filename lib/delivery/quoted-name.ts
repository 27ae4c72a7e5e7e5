/** A name quoted for SQL. (Loaded without apache-arrow, unlike sql-type.ts.) */
export function quotedName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

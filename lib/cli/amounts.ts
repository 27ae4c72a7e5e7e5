/** Formats 1234567 as "1,234,567". */
export function amount(count: number): string {
  return count.toLocaleString("en");
}

/** Formats bytes as "12.3 MB". */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function rate(bytes: number, ms: number): string {
  return `${(bytes / 1e3 / Math.max(ms, 1)).toFixed(1)} MB/s`;
}

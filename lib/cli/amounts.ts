/** 1234567 → "1,234,567" */
export function amount(count: number): string {
  return count.toLocaleString("en");
}

/** Bytes as "12.3 MB". */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function rate(bytes: number, ms: number): string {
  return `${(bytes / 1e3 / Math.max(ms, 1)).toFixed(1)} MB/s`;
}

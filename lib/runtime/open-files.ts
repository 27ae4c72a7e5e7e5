/**
 * Whether an error's code or message says that this process, or the system, has too many open files. Connections count
 * too.
 */
export function noFilesLeft(text: string): boolean {
  return /\bE[MN]FILE\b/.test(text);
}

/** The advice for that error. */
export const noFilesAdvice =
  "Too many files and connections are open. Raise the limit (ulimit -n), or run fewer streams at a time";

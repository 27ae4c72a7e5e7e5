/** Whether an error's code or message is that this process, or the system, may open no more files. Connections count as files. */
export function noFilesLeft(text: string): boolean {
  return /\bE[MN]FILE\b/.test(text);
}

/** What to do about it. */
export const noFilesAdvice =
  "Too many files and connections are open. Raise the limit (ulimit -n), or run fewer streams at a time";

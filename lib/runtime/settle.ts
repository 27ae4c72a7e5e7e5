/** Calls back outside of the promise, where an exception of somebody's listener is not taken for a rejection. */
export function settle(promise: Promise<void>, callback: (error?: Error | null) => void): void {
  promise.then(
    () => process.nextTick(callback),
    (error: Error) => process.nextTick(callback, error),
  );
}

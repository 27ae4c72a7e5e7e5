/** What a server can do. Each was tried on the server, except `version`. */
export interface Capabilities {
  /** The version that the server states, such as "4.3.0". Sail states one of Spark's, too. */
  readonly version: string;
  /** Checkpoints: `delivery: "staged"` and `splitSparkStream()`. */
  readonly staged: boolean;
  /**
   * Python functions, with pyarrow where the executors run: `ipcRows()` and `delivery: "push"`, which also needs a way from
   * the executors to this process.
   */
  readonly pythonFunctions: boolean;
  /** The option `compression`. */
  readonly compression: boolean;
  /** Rows larger than a message. Without it the limit is `grpc_max_message_size`. */
  readonly chunks: boolean;
  /** `"progress"` events. */
  readonly progress: boolean;
  /** `df.observe()` */
  readonly observe: boolean;
  /** `interruptAll()`, `interruptTag()` and `interruptOperation()`. */
  readonly interrupt: boolean;
}

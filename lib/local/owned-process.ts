import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { cannotStart } from "./run-command.js";

/*
 * Runs a command that ends with this process, however this process ends.
 *
 * The command is the child of a small shell. The shell's standard input is a pipe that only this process holds open, so
 * its end shows that this process has died, even of a SIGKILL. The shell:
 *
 *   fd 0   our pipe; at its end the process group gets TERM, and after `grace` seconds the command gets KILL
 *   fd 3   sends us the command's own process id
 *   exit   when the command is gone and `directory` removed; with the command's status (128 + n for signal n)
 *
 * The shell prints nothing itself: if our end of a pipe is gone, printing "Terminated" would kill it. It sends the
 * process id last, when it is ready for signals.
 *
 * Both are in a session of their own: Ctrl-C in the terminal goes only to this process, which may first cancel queries.
 */
const SUPERVISOR = `
grace=$1 directory=$2; shift 2
exec 4<&0 </dev/null
trap : TERM INT HUP
"$@" 3>&- 4<&- &
command=$!
exec >/dev/null 2>&1
trap '' TERM INT HUP
{
  read -r _ <&4
  kill -TERM -$$
  sleep $grace
  kill -KILL $command
} 3>&- &
watcher=$!
trap : TERM INT HUP
echo $command >&3
exec 3>&- 4<&-
while :; do
  wait $command; status=$?
  kill -0 $command || break
done
kill -KILL $watcher
[ -z "$directory" ] || rm -rf "$directory"
exit $status
`;

export interface OwnedProcessOptions {
  env?: NodeJS.ProcessEnv;
  /** Where standard output and error go: a file descriptor, or "pipe" to read them here. */
  output: number | "pipe";
  /** Removed when the command has ended. */
  directory?: string;
  /** Seconds from TERM to KILL. */
  grace?: number;
}

export class OwnedProcess {
  readonly child: ChildProcess;
  /** The command's own process id; undefined if it could not be started at all. */
  readonly pid: Promise<number | undefined>;
  /** The exit status: 128 + n for signal n, 127 if the command (or even /bin/sh) is not there. Never rejects. */
  readonly exited: Promise<number>;
  readonly #grace: number;

  /** @throws SparkStreamError LOCAL_SPARK_FAILED if this process may open no more files */
  constructor(command: readonly string[], options: OwnedProcessOptions) {
    const { output, directory = "", grace = 5 } = options;
    this.#grace = grace;
    const stdio: StdioOptions = ["pipe", output, output, "pipe"];
    const child = spawn("/bin/sh", ["-c", SUPERVISOR, "sh", String(grace), directory, ...command], {
      stdio,
      detached: true,
      env: options.env ?? process.env,
    });
    // Node then makes no pipes, and reports it by an event that is too late for code that would use them.
    if (child.stdio === undefined) {
      child.once("error", () => {});
      throw cannotStart(command[0]!, new Error("EMFILE: too many open files"));
    }
    this.child = child;
    this.exited = new Promise((resolve) => {
      child.once("exit", (code) => resolve(code ?? 128 + 9));
      child.once("error", () => resolve(127));
    });
    // A shell that is gone makes the pipe fail; `exited` reports the same.
    child.stdin?.on("error", () => {});
    this.pid = text(child.stdio[3] as Socket).then(
      (line) => Number.parseInt(line, 10) || undefined,
      () => undefined,
    );
  }

  /** TERM, and KILL when the grace is over. Resolves when the command is gone. May be called again and again. */
  async stop(): Promise<void> {
    this.child.ref();
    await this.pid; // earlier, the command might not exist yet and miss the signal
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.kill(), this.#grace * 1000);
    await this.exited;
    clearTimeout(timer);
  }

  /** KILL, at once. Its directory is left behind. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  /** Lets this process end while the command still runs; the command then ends too. */
  unref(): void {
    this.child.unref(); // the pipes hold nothing open: the one is only written to, the other has ended
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, signal); // the whole group: pip's own children too
    } catch {
      // Gone in the meantime.
    }
  }
}

"""
Runs a command on a pseudo-terminal of 120 columns: argv is the command. Keys can be typed: with TYPE=text:keys in the
environment, the keys are sent when the text has come. Prints [exit code, all that was shown].
"""
import fcntl, json, os, pty, struct, sys, termios

awaited, _, keys = os.environ.get("TYPE", "").partition(":")
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
shown = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:  # EIO: the other end is closed
        break
    if not piece:
        break
    shown += piece
    if awaited and awaited.encode() in shown:
        os.write(terminal, keys.encode())
        awaited = ""
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()]))

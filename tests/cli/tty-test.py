#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""enclos run on a terminal, which this script plays: it types when it sees a
prompt, and stands in for the shell outside that sees jobs stop."""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time

ENCLOS = os.environ.get("ENCLOS", "build/bin/enclos")
PATIENCE = 60  # seconds; only a test that fails waits so long


class Terminal:
    """A program on a new terminal. It leads a group that is in front, but no
    session: its parent could continue it."""

    def __init__(self, *args):
        self.seen = b""
        self.shell, self.master = pty.fork()
        if self.shell == 0:
            self.play_shell(args)

    @staticmethod
    def play_shell(args):
        report = os.dup(2)
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.close(report)
            os.execv(ENCLOS, [ENCLOS, "run", *args])
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        while True:
            _, status = os.waitpid(child, os.WUNTRACED)
            if os.WIFSTOPPED(status):
                os.write(report, b"<stopped>")
                os.kill(os.getpid(), signal.SIGSTOP)  # until fg()
                os.killpg(child, signal.SIGCONT)
                continue
            if os.WIFSIGNALED(status):
                os.write(report, b"<signal %d>" % os.WTERMSIG(status))
            else:
                os.write(report, b"<exit %d>" % os.WEXITSTATUS(status))
            os._exit(0)

    def type(self, text):
        os.write(self.master, text.encode())

    def until(self, text):
        """Reads up to text, which is taken away; False when it never comes."""
        want = text.encode()
        deadline = time.monotonic() + PATIENCE
        while want not in self.seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                return False
            try:
                got = os.read(self.master, 4096)
            except OSError:
                return False
            self.seen += got
        self.seen = self.seen[self.seen.index(want) + len(want):]
        return True

    def resize(self, rows, columns):
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def foreground(self):
        os.waitpid(self.shell, os.WUNTRACED)
        os.kill(self.shell, signal.SIGCONT)

    def end(self):
        try:
            os.close(self.master)
            os.kill(self.shell, signal.SIGKILL)
        except OSError:
            pass
        os.waitpid(self.shell, 0)


def check(name, terminal, steps):
    """steps: text to wait for, or a function to call."""
    ok = True
    for step in steps:
        if callable(step):
            step()
        elif not terminal.until(step):
            print(f"{name}: no {step!r} in {terminal.seen!r}")
            ok = False
            break
    terminal.end()
    print(f"{'ok' if ok else 'not ok'} cli {name}", flush=True)


def main():
    work = tempfile.TemporaryDirectory()
    os.environ["XDG_CACHE_HOME"] = work.name
    os.environ["TERM"] = "dumb"

    t = Terminal("/bin/busybox", "cat")
    check("a line is edited and echoed", t, [
        lambda: t.type("hellp\x7fo\n"), "hello\r\n", lambda: t.type("\x04"),
        "<exit 0>"])

    t = Terminal("/bin/busybox", "sleep", "1000")
    check("Ctrl-C ends the program by SIGINT", t, [
        "NOT CONFIDENTIAL", lambda: t.type("\x03"), "<signal 2>"])

    t = Terminal("/bin/busybox", "cat")
    check("Ctrl-Z stops, and fg goes on", t, [
        "everything\r\n", lambda: t.type("one\n"), "one\r\none\r\n", lambda: t.type("\x1a"),
        "<stopped>", t.foreground, lambda: t.type("two\n"),
        "two\r\ntwo\r\n", lambda: t.type("\x04"), "<exit 0>"])

    t = Terminal("/usr/bin/python3", "-c", """
import os, signal
signal.signal(signal.SIGWINCH, lambda *a: None)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
print(os.ttyname(0), os.tcgetpgrp(0) == os.getpgrp(), flush=True)
print(os.open("/dev/tty", os.O_RDWR) > 2, "ready", flush=True)
signal.sigwait([signal.SIGWINCH])
print("size", *os.get_terminal_size(), flush=True)
input()
""")
    check("the window's size arrives with SIGWINCH", t, [
        "/dev/pts/0 True", "True ready", lambda: t.resize(33, 99),
        "size 99 33", lambda: t.type("\n"), "<exit 0>"])

    t = Terminal("--root", "host", "--env", "PS1=<P> ", "/bin/bash", "--norc",
                 "-i")
    job = "sh -c \"echo u''p; exec sed -u s/x/y/\""
    check("bash controls its jobs", t, [
        "<P> ", lambda: t.type(job + "\n"), "up\r\n",
        lambda: t.type("\x1a"), "Stopped", "<P> ",
        lambda: t.type("jobs\n"), "[1]+  Stopped", "<P> ",
        lambda: t.type("fg\n"), "x/y/\"\r\n",
        lambda: t.type("x1\n"), "y1\r\n",
        lambda: t.type("\x03"), "<P> ",
        lambda: t.type("echo =$?=\n"), "=130=\r\n", "<P> ",
        lambda: t.type("cat &\n"), "<P> ",
        lambda: t.type("until [[ $(jobs) == *Stop* ]]; do sleep 0.1; done; "
                       "echo be''hind\n"), "behind\r\n", "<P> ",
        lambda: t.type("kill -9 %1; while [[ $(jobs) == *Stop* ]]; do "
                       "sleep 0.1; done; echo do''ne\n"), "done\r\n",
        "<P> ", lambda: t.type("exit 5\n"), "<exit 5>"])


if __name__ == "__main__":
    main()
    sys.stdout.flush()

# tmux, vim and bash on terminals that this script plays: it types, and waits
# for what it must then see.
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE = 60  # seconds; only a failure waits so long


class Terminal:
    def __init__(self, *command):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", PS1="$ ", LC_ALL="C.UTF-8",
                              HOME="/tmp", TMUX_TMPDIR="/tmp")
            os.execvp(command[0], command)
        self.size(24, 80)

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("4H", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def keys(self, *keys):
        for key in keys:
            time.sleep(0.1)
            self.type(key)

    def until(self, pattern):
        """Waits until the pattern comes, forgets all up to its end."""
        end = time.monotonic() + PATIENCE
        while True:
            found = re.search(pattern, self.seen, re.S)
            if found:
                self.seen = self.seen[found.end():]
                return found.group(found.lastindex or 0)
            if time.monotonic() > end or not self.read():
                print("not seen:", pattern, repr(self.seen[-2000:]))
                sys.exit(1)

    def until_foreground(self, group):
        while os.tcgetpgrp(self.fd) != group:
            time.sleep(0.01)

    def read(self):
        try:
            if select.select([self.fd], [], [], PATIENCE)[0]:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            return True
        except OSError:
            return False

    def end(self):
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def vim():
    t = Terminal("vim", "-u", "NONE", "-i", "NONE", "-N", "/tmp/v.txt")
    t.until(r"\[New\]")
    t.type("ihello there\rsecond line\x1b")
    t.type("ggyyp:%s/hello/goodbye/\r:set number\r")
    t.type(":r !echo from a command\r")
    t.until("from a command")
    t.type(":w\r")
    t.until("written")
    t.type(":!echo $((6 * 7)); exit 3\r")
    t.until("shell returned 3")
    t.type("\r")
    t.size(10, 40)
    t.type(":echo winheight(0)\r")
    t.until(r"\b9\b")
    t.type("\x1a")  # stops itself; nobody is there to continue it
    t.type(":wq\r")
    print("vim", t.end(), open("/tmp/v.txt").read())


def bash():
    t = Terminal("bash", "--norc", "--noprofile", "-i")
    t.until(r"\$ ")
    t.type("stty size; tty | cut -c1-9\r")
    print(t.until(r"24 80\r\n/dev/pts/"))
    t.type("sh -c 'echo $$; exec sleep 1000'\r")
    job = int(t.until(r"(\d+)\r\n"))
    t.type("\x1a")
    t.until("Stopped")
    t.type("bg; jobs\r")
    print(t.until(r"(\[1\]\+ +Running[^\r]*)"))
    t.type("fg\r")
    t.until(r"sleep 1000.\r\n")
    t.until_foreground(job)  # which bash names before it gives it that
    t.type("\x03")
    t.until(r"\$ ")  # what is typed before the prompt may go with ^C
    t.type("echo status $?\r")
    print(t.until(r"status \d+\r\n"))
    t.type("vim -u NONE -i NONE -N /tmp/w.txt\r")
    t.until(r"\[New\]")
    t.type("iinside\x1b:echo 6 * 7\r")
    t.until("42")
    t.type("\x1a")
    t.until("Stopped")
    t.type("fg\r")
    t.until("inside")
    t.type(":wq\r")
    t.until(r"\$ ")
    t.type("cat /tmp/w.txt; less /data/text\r")
    t.until(r"inside\r\n")
    t.until("the quick brown fox 1 jumps")
    t.type("/fox 16\r")
    t.until("fox 16")
    t.type("q")
    t.until(r"\$ ")
    t.type("read -s -p 'secret: ' x; echo \"<$x>\"\r")
    t.until(r"\rsecret: ")
    t.type("word\x7fk\r")
    print(t.until("<wor.*?>"))
    t.type("exit 5\r")
    print("bash", t.end())


def tmux():
    with open("/tmp/tmux.conf", "w") as f:  # keys that come late are no paste
        f.write("set -g assume-paste-time 0\n")
    t = Terminal("tmux", "-f", "/tmp/tmux.conf", "new-session", "-s", "one",
                 "bash --norc --noprofile")
    t.until(r"\[one\]")
    t.until(r"[$#] ")
    t.type("echo in $((20 + 1)) $TERM\r")
    t.until("in 21 (screen|tmux)")
    t.keys("\x02", '"', "\x02", ":", "resize-pane -y 5\r", "\x02", "c")
    t.until("1:")
    t.until(r"[$#] ")
    t.type("tmux list-windows | cut -d' ' -f1,2; echo end\r")
    t.until(r"1: bash\*.*end")
    t.type("tmux list-panes -t one:0 -F '#{pane_index} #{pane_width} "
           "#{pane_height}' > /tmp/panes; tmux wait-for -S listed\r")
    os.system("TMUX_TMPDIR=/tmp tmux wait-for listed")
    print(open("/tmp/panes").read())
    t.keys("\x02", "d")
    t.until("detached")
    print("tmux", t.end())
    os.environ["TMUX_TMPDIR"] = "/tmp"
    sys.stdout.flush()
    os.system("tmux send-keys -t one:1 'seq 1 5' Enter;"
              "until tmux capture-pane -p -t one:1 | grep -q ^5; do"
              "   sleep 0.1; done; tmux capture-pane -p -t one:1 | grep '^[1-5]$'")
    os.system("tmux ls -F '#{session_name} #{session_windows}';"
              "tmux kill-server; sleep 0.2; tmux ls")


for part in sys.argv[1:] or ("bash", "vim", "tmux"):
    globals()[part]()
    sys.stdout.flush()

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Signals that somebody outside sends to enclos end the program as natively,
by the same signal, or do nothing to it. Not SIGVTALRM and SIGPROF, which are
the target's own."""
import os
import signal
import subprocess
import sys

ENCLOS = os.environ.get("ENCLOS", "build/bin/enclos")
PROGRAM = ["/bin/busybox", "cat"]
PATIENCE = 60  # seconds; only a test that fails waits so long
OURS = {signal.SIGVTALRM, signal.SIGPROF, signal.SIGTRAP}
SPARE = {signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT}
STOPS = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}


def end(command, signo):
    """How the program ends; one that the signal spares, by SIGTERM."""
    with subprocess.Popen(command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          bufsize=0) as p:
        p.stdin.write(b"ready\n")
        p.stdout.readline()
        p.send_signal(signo)
        if signo in SPARE:
            p.send_signal(signal.SIGTERM)
        try:
            return p.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            p.kill()
            return "not at all"


failed = 0
for number in range(1, 65):
    if number in OURS | STOPS | {32, 33}:
        continue
    native = end(PROGRAM, number)
    ours = end([ENCLOS, "run", *PROGRAM], number)
    good = native == ours
    failed += not good
    if not good:
        print(f"natively {native}, here {ours}")
    print(f"{'ok' if good else 'not ok'} cli signal-{number}")
sys.exit(failed != 0)

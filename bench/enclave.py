#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What an enclave under sgxemu costs besides time inside: how often it is left,
how long a start takes, how much memory the untrusted side has. Each line with
its goal and whether it holds. Counts hold for hardware as well, but for the
interrupts of the host's own; a busy machine adds ticks to them.

The exit status is 1 when a program fails, not when a goal is missed.

usage: enclave.py ENCLOS IMAGE
"""
import re
import statistics
import subprocess
import sys
import time

TIMEOUT = 300
STARTS = 9
ROUNDS = 1000000
SECONDS = 10
MIB = 1 << 20

enclos, image = sys.argv[1:3]
missed, failed = [], []


def command(options, program):
    return ([enclos, "run", "--target", "sgx-emu", "--root", image] + options +
            program)


def line(name, figure, goal, unit=""):
    """None: the program failed."""
    if figure is None:
        failed.append(name)
        print(f"{name:<44}{'failed':>12}")
        return
    verdict = "ok" if figure <= goal else "MISSED"
    if figure > goal:
        missed.append(name)
    print(f"{name:<44}{figure:>12.6g}  <= {goal:g}{unit}  {verdict}")


def entries(options, program):
    """EENTERs of a run; None: it failed."""
    try:
        r = subprocess.run(command(["--stats"] + options, program),
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                           text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return None
    found = re.search(r"(\d+) EENTERs", r.stderr)
    return int(found[1]) if found and r.returncode == 0 else None


def beyond(base, options, program, per=1.0):
    """EENTERs beyond those of a hello world."""
    n = entries(options, program)
    return None if n is None or base is None else max(0, n - base) / per


def start(options, program):
    """Milliseconds from start to end, the median."""
    times = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        r = subprocess.run(command(options, program), check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           timeout=TIMEOUT)
        times.append((time.perf_counter() - begin) * 1e3)
        if r.returncode:
            return None
    return statistics.median(times)


def untrusted_memory():
    """MiB of the process that are not the emulated EPC, which is shared."""
    with subprocess.Popen(command([], ["/test/rounds", "compute", "5"]),
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as p:
        most = 0
        while p.poll() is None:
            with open(f"/proc/{p.pid}/status") as f:
                kib = sum(int(v) for v in re.findall(
                    r"^Rss(?:Anon|File):\s+(\d+)", f.read(), re.M))
            most = max(most, kib)
            time.sleep(0.1)
    return most * 1024 / MIB if p.returncode == 0 and most else None


def main():
    one = ["--cpus", "1"]
    print(f"{'enclave':<44}{'':>12}  goal")
    for name in ("hello-static", "hello"):
        line(f"{name}: EENTERs", entries([], [f"/test/{name}"]), 60)
    base = entries(one, ["/test/hello"])
    line(f"computing {SECONDS} s, one vCPU: EENTERs a second",
         beyond(base, one, ["/test/rounds", "compute", str(SECONDS)], SECONDS),
         120)
    for kind in ("pipe", "futex"):
        line(f"{ROUNDS} rounds by {kind}, one vCPU: EENTERs",
             beyond(base, one, ["/test/rounds", kind, str(ROUNDS)]), 100)
    for memory in ("256M", "64G"):
        line(f"hello with a ceiling of {memory}: ms",
             start(["--memory", memory], ["/test/hello"]), 150)
    line("memory of the untrusted side: MiB", untrusted_memory(), 30)
    if missed:
        print("goals missed:", ", ".join(missed))
    for name in failed:
        print("FAILED:", name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

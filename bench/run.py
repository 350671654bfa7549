#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Native beside ours, in one interleaved run.

Runs bench/micro natively, under `enclos run`, and there without protection
keys in turn, several rounds, and the start-to-end times of small programs;
prints the table of medians against the goals of GOALS and writes
build/bench.json: {name: {"native": x, "enclos": x, "no_keys": x,
"ratio": enclos/native, "unit": "ns"}}.

usage: run.py ENCLOS IMAGE ROOTFS BINDIR OUT.json [ROUNDS]
"""
import json
import os
import statistics
import subprocess
import sys
import time

# Upper bounds in ns for ours, with protection keys and without. 64 KiB in
# 10.9 us are 6 GB/s.
GOALS = {
    "getpid": (40, 15), "getpid-raw": (40, 15), "hello-static": (15e6, 15e6),
    "futex-round-trip": (250, 250), "poll-1": (80, 80),
    "signal-self": (400, 400), "pipe-processes": (600, 400),
    "pipe-64k-block": (10.9e3, 10.9e3), "unix-64k-block": (10.9e3, 10.9e3),
    "fork-exit-wait": (80e3, 80e3), "vfork-exec-wait": (30e3, 30e3),
    "spawn-true": (150e3, 150e3),
}
SCALE_GOAL = 0.9  # of native's factor, of what scaling.c prints
RATIO_GOALS = {"cpu": 1.03, "bash-100-true": 0.25}


def collect(command, into):
    out = subprocess.run(command, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=True, text=True)
    for line in out.stdout.splitlines():
        name, value, _unit = line.split()
        into.setdefault(name, []).append(float(value))


def time_start(command, name, into, repeat=5):
    for _ in range(repeat):
        begin = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        into.setdefault(name, []).append((time.perf_counter() - begin) * 1e9)


def starts(prefix, into):
    time_start(prefix + ["/test/hello-static"], "hello-static", into)
    time_start(prefix + ["/test/hello"], "hello-dynamic", into)
    time_start(prefix + ["/usr/bin/python3", "-c", "pass"], "python3-pass",
               into, 3)
    time_start(prefix + ["/usr/bin/bash", "-c",
                         "for ((i = 0; i < 100; i++)); do /usr/bin/true; done"],
               "bash-100-true", into, 1)


def own_mounts(rootfs):
    """A mount namespace in which the native side has a tmpfs and devices."""
    if not os.environ.get("ENCLOS_BENCH_NS"):
        os.environ["ENCLOS_BENCH_NS"] = "1"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private",
                              sys.executable] + sys.argv)
    for args in (["-t", "tmpfs", "tmpfs", "/tmp"], ["-t", "proc", "proc", "/proc"],
                 ["--rbind", "/dev", "/dev"]):
        subprocess.run(["mount"] + args[:-1] + [rootfs + args[-1]], check=True)


def main():
    enclos, image, rootfs, bindir, out_file = sys.argv[1:6]
    own_mounts(rootfs)
    rounds = int(sys.argv[6]) if len(sys.argv) > 6 else 5
    native, ours, bare = {}, {}, {}
    run = [enclos, "run", "--root", image]
    # A program of the host that changes root: what a start costs natively.
    chroot = [os.path.join(bindir, "chroot-exec"), rootfs]
    without = [enclos, "run", "--no-isolation", "--root", image]
    for _ in range(rounds):
        for program in ("/test/micro", "/test/processes", "/test/scaling"):
            collect(chroot + [program], native)
            collect(run + [program], ours)
            collect(without + [program], bare)
        starts(chroot, native)
        starts(run, ours)
        starts(without, bare)

    table, missed = {}, []
    print(f"{'operation':<22}{'native':>12}{'enclos':>12}{'ratio':>8}"
          f"{'no keys':>12}  goals")
    for name in ours:
        n, e, b = (statistics.median(d[name]) for d in (native, ours, bare))
        table[name] = {"native": round(n, 2), "enclos": round(e, 2),
                       "no_keys": round(b, 2), "ratio": round(e / n, 4),
                       "unit": "x" if name.startswith("scale-") else "ns"}
        goal = ""
        if name in GOALS:
            with_keys, no_keys = GOALS[name]
            goal = f"<= {with_keys:g}, {no_keys:g} ns"
            if e > with_keys or b > no_keys:
                missed.append(name)
        if name.startswith("scale-"):
            goal = f">= {SCALE_GOAL} x native"
            if e < n * SCALE_GOAL:
                missed.append(name)
        if name in RATIO_GOALS:
            goal = f"<= {RATIO_GOALS[name]} x native"
            if e / n > RATIO_GOALS[name]:
                missed.append(name)
        mark = " MISSED" if name in missed else ""
        digits = 2 if name.startswith("scale-") else 1
        print(f"{name:<22}{n:>12.{digits}f}{e:>12.{digits}f}{e / n:>8.3f}"
              f"{b:>12.{digits}f}"
              f"  {goal}{mark}")
    with open(out_file, "w") as f:
        json.dump(table, f, indent=1)
        f.write("\n")
    print(f"medians of {rounds} interleaved rounds; written to {out_file}")
    if missed:
        print("goals missed:", ", ".join(missed))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Native beside ours, in one interleaved run.

Runs the programs of bench/ natively and under `enclos run` in turn, there
with and without protection keys and once more with a single vCPU, round after
round until ROUNDS or SECONDS are over; prints the table of medians against the
goals and writes OUT.json: {name: {"native": x, "enclos": x, "no_keys": x,
"one_vcpu": x, "one_vcpu_no_keys": x, "ratio": enclos/native, "unit": "ns"}}.

With --sgx: target linux without keys beside an enclave under sgxemu, which has
none, either with one vCPU and with all: what stays inside is to cost the same.

A program that fails is named and left out; the exit status is 1 then.

usage: run.py [--sgx] ENCLOS IMAGE ROOTFS BINDIR OUT.json [ROUNDS [SECONDS]]
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
    "getpid": (40, 15), "getpid-raw": (40, 15), "write-null": (60, 30),
    "pread-4k": (180, 180), "stat": (120, 120), "open-close": (250, 250),
    "create-unlink": (1500, 1500), "poll-1": (80, 70),
    "futex-round-trip": (250, 250), "signal-self": (400, 400),
    "pthread-create-join": (4000, 4000), "pipe-processes": (600, 400),
    "pipe-64k-block": (10.9e3, 10.9e3), "unix-64k-block": (10.9e3, 10.9e3),
    "fork-exit-wait": (80e3, 80e3), "vfork-exec-wait": (30e3, 30e3),
    "spawn-true": (150e3, 150e3), "hello-static": (8e6, 8e6),
    "hello-dynamic": (8e6, 8e6),
}
# Of native's time.
RATIO_GOALS = {"clock_gettime": 1.0, "mmap-64k": 1.0, "page-fault": 1.0,
               "cpu": 1.02, "python3-pass": 1.0, "sqlite-inserts": 0.9,
               "bash-500-true": 0.25}
SCALE_GOAL = 0.9  # of native's factor, of what scaling.c prints
# Column: its heading and enclos run's options.
LINUX = {"native": ("native", None), "enclos": ("enclos", []),
         "no_keys": ("no keys", ["--no-isolation"]),
         "one_vcpu": ("one vCPU", ["--cpus", "1"]),
         "one_vcpu_no_keys": ("and no keys",
                              ["--cpus", "1", "--no-isolation"])}
EMULATED = ["--target", "sgx-emu"]
SGX = {"native": ("native", None), "linux": ("linux", ["--no-isolation"]),
       "sgx": ("sgx", EMULATED),
       "one_vcpu_linux": ("one vCPU: linux",
                          ["--cpus", "1", "--no-isolation"]),
       "one_vcpu_sgx": ("sgx", ["--cpus", "1"] + EMULATED)}
# What never leaves an enclave: of target linux's time there. And bounds in ns
# for what does.
INSIDE = {"getpid", "getpid-raw", "getppid-libc", "clock_gettime", "write-null",
          "pread-4k", "stat", "open-close", "create-unlink", "poll-1",
          "signal-self", "futex-round-trip", "pipe-round-trip",
          "pipe-64k-block", "unix-64k-block", "cpu"}
INSIDE_GOAL = 1.05
SGX_GOALS = {"mmap-64k": 2e3, "pthread-create-join": 2e3,
             "fork-exit-wait": 80e3, "vfork-exec-wait": 30e3,
             "spawn-true": 150e3, "hello-static": 150e6,
             "hello-dynamic": 150e6}
SGX_RATIO_GOALS = {"sqlite-inserts": 0.83, "bash-500-true": 0.33}
INSERTS = ["DROP TABLE IF EXISTS t;", ".read /test/inserts.sql"]  # 10,000
TIMEOUT = 120  # of one program; it takes a few seconds

failed = set()


def run(command):
    """What it prints; None when it fails."""
    try:
        return subprocess.run(command, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True, text=True,
                              timeout=TIMEOUT).stdout
    except (subprocess.SubprocessError, OSError) as e:
        failed.add(f"{' '.join(command)[-80:]}: {str(e)[-60:]}")
        return None


def collect(command, into):
    for line in (run(command) or "").splitlines():
        name, value, _unit = line.split()
        into.setdefault(name, []).append(float(value))


def time_start(command, name, into, repeat=1):
    for _ in range(repeat):
        begin = time.perf_counter()
        if run(command) is None:
            return
        into.setdefault(name, []).append((time.perf_counter() - begin) * 1e9)


def starts(prefix, into):
    time_start(prefix + ["/test/hello-static"], "hello-static", into, 2)
    time_start(prefix + ["/test/hello"], "hello-dynamic", into, 2)
    time_start(prefix + ["/usr/bin/python3", "-c", "pass"], "python3-pass",
               into)
    time_start(prefix + ["/usr/bin/sqlite3", "/tmp/bench.db",
                         "PRAGMA journal_mode=WAL;"] + INSERTS * 5,
               "sqlite-inserts", into)
    time_start(prefix + ["/usr/bin/bash", "-c",
                         "for ((i = 0; i < 500; i++)); do /usr/bin/true; done"],
               "bash-500-true", into)


def own_mounts(rootfs):
    """A mount namespace in which the native side has a tmpfs and devices."""
    if not os.environ.get("ENCLOS_BENCH_NS"):
        os.environ["ENCLOS_BENCH_NS"] = "1"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private",
                              sys.executable] + sys.argv)
    for args in (["-t", "tmpfs", "tmpfs", "/tmp"], ["-t", "proc", "proc", "/proc"],
                 ["--rbind", "/dev", "/dev"]):
        subprocess.run(["mount"] + args[:-1] + [rootfs + args[-1]], check=True)


def one_round(columns, prefixes, figures):
    programs = ["/test/micro", "/test/processes"]
    if len(os.sched_getaffinity(0)) > 1 and columns is LINUX:
        programs.append("/test/scaling")
    for program in programs:
        for column in columns:
            if program != "/test/scaling" or "one" not in column:
                collect(prefixes[column] + [program], figures[column])
    for column in columns:
        starts(prefixes[column], figures[column])


def goal_of(name, figure):
    """(what to print, whether it is missed)"""
    ours, native = figure["enclos"], figure["native"]
    if name in GOALS:
        keys, no_keys = GOALS[name]
        text = f"<= {keys:g}, {no_keys:g} ns"
        return text, ours > keys or figure["no_keys"] > no_keys
    if name in RATIO_GOALS:
        return (f"<= {RATIO_GOALS[name]} x native",
                ours > native * RATIO_GOALS[name])
    if name.startswith("scale-"):
        return f">= {SCALE_GOAL} x native", ours < native * SCALE_GOAL
    return "", False


def sgx_goal_of(name, figure):
    if name in INSIDE:
        return (f"<= {INSIDE_GOAL} x linux",
                max(figure["ratio"], figure["one_vcpu_ratio"]) > INSIDE_GOAL)
    if name in SGX_GOALS:
        return f"<= {SGX_GOALS[name]:g} ns", figure["sgx"] > SGX_GOALS[name]
    if name in SGX_RATIO_GOALS:
        return (f"<= {SGX_RATIO_GOALS[name]} x native",
                figure["sgx"] > figure["native"] * SGX_RATIO_GOALS[name])
    return "", False


def add_ratios(name, figure, columns):
    figure["unit"] = "x" if name.startswith("scale-") else "ns"
    if columns is LINUX:
        figure["ratio"] = round(figure["enclos"] / figure["native"], 4)
        return
    for vcpus in ("", "one_vcpu_"):
        figure[vcpus + "ratio"] = round(
            figure[vcpus + "sgx"] / figure[vcpus + "linux"], 4)


def print_row(name, figure, columns, goal, missed):
    digits = 2 if name.startswith("scale-") else 1
    cells = [f"{figure[c]:>14.{digits}f}" if c in figure else " " * 14
             for c in columns]
    ratios = [figure[r] for r in ("ratio", "one_vcpu_ratio") if r in figure]
    print(f"{name:<20}{''.join(cells)}{''.join(f'{r:>8.3f}' for r in ratios)}"
          f"  {goal}{' MISSED' if missed else ''}")


def main():
    args = [a for a in sys.argv[1:] if a != "--sgx"]
    columns = LINUX if args == sys.argv[1:] else SGX
    enclos, image, rootfs, bindir, out_file = args[:5]
    rounds = int(args[5]) if len(args) > 5 else 20
    seconds = float(args[6]) if len(args) > 6 else 450
    own_mounts(rootfs)
    ours = [enclos, "run", "--root", image]
    # A program of the host that changes root: what a start costs natively.
    native = [os.path.join(bindir, "chroot-exec"), rootfs]
    prefixes = {column: native if options is None else ours + options
                for column, (_, options) in columns.items()}
    figures = {column: {} for column in columns}
    begin, done = time.monotonic(), 0
    while done < rounds:
        one_round(columns, prefixes, figures)
        done += 1
        # Another one must fit.
        if (time.monotonic() - begin) * (done + 1) / done > seconds:
            break

    table, missed = {}, []
    heads = "".join(f"{head:>14}" for head, _ in columns.values())
    print(f"{'operation':<20}{heads}{'ratio':>8}"
          f"{'' if columns is LINUX else '  1 vCPU'}  goals")
    needed = list(columns)[:3] if columns is LINUX else columns
    for name in figures["native"]:
        figure = {c: round(statistics.median(figures[c][name]), 2)
                  for c in columns if name in figures[c]}
        if not all(c in figure for c in needed):
            continue
        add_ratios(name, figure, columns)
        table[name] = figure
        goal, is_missed = (goal_of if columns is LINUX else
                           sgx_goal_of)(name, figure)
        if is_missed:
            missed.append(name)
        print_row(name, figure, columns, goal, is_missed)
    with open(out_file, "w") as f:
        json.dump(table, f, indent=1)
        f.write("\n")
    print(f"medians of {done} interleaved rounds in "
          f"{time.monotonic() - begin:.0f} s; written to {out_file}")
    if missed:
        print("goals missed:", ", ".join(missed))
    for what in sorted(failed):
        print("FAILED:", what)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

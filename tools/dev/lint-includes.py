#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Includes go downward only (see docs/ARCHITECTURE.md): a room may include
rooms of a lower level and its own. Host headers (<...>) are for host code; the
kernel has only the freestanding ones."""
import pathlib
import re
import sys

LEVELS = {
    "abi": 0, "lib": 0, "kernel/kernel.h": 0,
    "kernel/policy.h": 0,
    "target/target.h": 1, "arch": 1,
    "kernel/core": 2, "kernel/crypto": 2,
    "kernel/mm": 3,
    "kernel/fs": 4,
    "kernel/ipc": 4.5,
    "kernel/net": 5, "kernel/proc": 5, "kernel/signal": 5, "kernel/attest": 5,
    "kernel/tty": 6,
    "kernel/sys": 7,
    "kernel/trap.h": 0,
    "kernel": 8,  # boot.c, trap.c
}
FREESTANDING = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "assert.h"}
# proc and signal are two halves of one thing; entry.S and unit tests aside.
PEERS = [{"kernel/proc", "kernel/signal"}]
# What files need of the current task, in one header; and the two leaves whose
# content is the rooms above: signalfd, and procfs (procfs/).
UPWARD = {"kernel/fs/current.h", "kernel/fs/current.c", "kernel/fs/event/signalfd.c",
          # The table of devices, and who opens the first files, name drivers.
          "kernel/fs/devices.c", "kernel/fs/init.c"}
PROCFS = "kernel/fs/procfs/"


def level(path):
    best = None
    for prefix, value in LEVELS.items():
        if path == prefix or path.startswith(prefix + "/"):
            if best is None or len(prefix) > len(best[0]):
                best = (prefix, value)
    return best


def main():
    bad = 0
    for top in ("kernel", "arch", "lib"):
        for path in sorted(pathlib.Path(top).rglob("*.[chS]")):
            if "tests" in path.parts or "vdso" in path.parts:
                continue
            own = level(str(path))
            for number, line in enumerate(path.read_text().splitlines(), 1):
                m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
                if not m:
                    continue
                if m[1] == "<":
                    if m[2] not in FREESTANDING and "ENCLOS_UNIT" not in \
                            path.read_text():
                        print(f"{path}:{number}: host header <{m[2]}>")
                        bad += 1
                    continue
                other = level(m[2])
                if other is None:
                    print(f"{path}:{number}: {m[2]} is no room of the kernel")
                    bad += 1
                elif str(path) in UPWARD or str(path).startswith(PROCFS):
                    continue
                elif other[1] > own[1] or (
                        other[1] == own[1] and other[0] != own[0]
                        and other[1] >= 5 and {own[0], other[0]} not in PEERS):
                    print(f"{path}:{number}: {own[0]} may not include {m[2]}")
                    bad += 1
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()

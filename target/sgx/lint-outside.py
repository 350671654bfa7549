#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usage: lint-outside.py, in the tree's root. The host's memory is opened in
few places, and nowhere else:
- struct hptr, the only type that the kernel has for it, is named by the ring's
  and the buffers' files alone, which turn it into a pointer;
- in the enclave its addresses are words of struct sgx_boot and of the exchange,
  which go to outside_*() (enclave.h, outside.c) or are checked, stored and
  compared, and no integer becomes a pointer in a file not named here."""
import glob
import re
import sys

HPTR = {"kernel/core/hostio_ring.c", "kernel/core/hostio_ring.h",
        "kernel/core/hostio_given.c",
        "kernel/core/hostio_buffer.c", "kernel/core/hostio_op.h",
        "lib/types.h", "target/target.h", "target/sgx/enclave/ring.c"}
# Memory of the enclave's own that an address leads to.
CASTS = {"enclave.h": "the vCPU's block, outside_*()",
         "fixed.c": "pages of the arena", "mem.c": "pages of the arena",
         "grow.c": "a TCS's page before it is one",
         "pages.c": "its own record", "main.c": "the measured map and policy",
         "trap.c": "SSA frames", "call.c": "a word of its own",
         "clock.c": "a piece of its own"}
HOSTS = re.compile(r"sgx\.boot\.(exchanges|clock|signals|tsc|bounce)\b"
                   r"|->exchange\b")
OPENED = re.compile(r"outside_\w+\(|^\s*s->exchange = |!s->exchange|"
                    r"base->addr = |exchange \+ offsetof|"
                    r"\*len = sgx\.boot\.bounce_size")
CAST = re.compile(r"\((?:const |volatile )*(?:struct )?\w+ \*+\)\s*[\w(]")


def lines(path):
    with open(path) as f:
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), f.read(),
                      flags=re.S)
    return list(enumerate(text.split("\n"), 1))


def main():
    bad = []
    rooms = ["kernel", "lib", "arch", "target/sgx/enclave"]
    for path in [p for r in rooms for p in glob.glob(r + "/**/*.[chS]",
                                                      recursive=True)]:
        if "/tests/" in path:
            continue
        enclave = path.startswith("target/sgx/enclave/")
        name = path.rsplit("/", 1)[-1]
        for n, line in lines(path):
            if "struct hptr" in line and path not in HPTR:
                bad.append((path, n, "names struct hptr"))
            if enclave and HOSTS.search(line) and not OPENED.search(line):
                bad.append((path, n, "an address of the host's"))
            if enclave and CAST.search(line) and name not in CASTS:
                bad.append((path, n, "an integer becomes a pointer"))
    for path, n, what in bad:
        print(f"lint-outside: {path}:{n}: {what}")
    sys.exit(bool(bad))


main()

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usage: lint-enclave.py ENCLAVE.elf [OBJECT.o...]
Every instruction of every function of the enclave's image is legal in an
enclave (SDM volume 3D, "Instructions illegal inside an enclave"), no segment
is writable and executable, and what lies in text outside of functions is
constants of the hash objects, a bounded number of bytes. OBJECTs are these
objects as they were before their local symbols went: they say where functions
begin."""
import re
import subprocess
import sys

ILLEGAL = re.compile(
    r"^(cpuid|syscall|sysenter|sysret\w*|sysexit\w*|int|int1|icebp|into|"
    r"in|out|insb?|insl|insw|outsb?|outsl|outsw|iret\w*|hlt|cli|sti|clts|"
    r"invd|wbinvd|invlpg|invpcid|lgdt\w*|lidt\w*|lldt|ltr|sgdt\w*|sidt\w*|"
    r"sldt|smsw|str|lmsw|rdmsr|wrmsr|rdpmc|xsetbv|vmcall|vmmcall|vmfunc|"
    r"lcall|ljmp|lret|lretq|getsec|encls|enclv|monitor|mwait|rdtscp|"
    r"lds|les|lss|lfs|lgs)$")
# mov to a segment or control register
SPECIAL = re.compile(r"^mov\s.*%(cr\d|dr\d)|^mov\s.*,%([defgs]s)$|"
                     r"^pop\s+%([fg]s)$")
PADDING = 64
TABLES_MAX = 8 << 10  # OpenSSL and ipsec-mb keep constants in .text


def run(*words):
    return subprocess.run(words, check=True, capture_output=True,
                          text=True).stdout


def functions(path):
    found = []
    for line in run("readelf", "-sW", path).splitlines():
        f = line.split()
        if len(f) >= 8 and f[3] == "FUNC" and f[6] != "UND":
            found.append((int(f[1], 16), int(f[2], 0), f[7]))
    return sorted(found)


def all_functions(elf, objects):
    """With those of the objects, moved to where a global one of them is. One
    without a size ends where the next begins."""
    spans = functions(elf)
    places = {name: at for at, _, name in spans}
    for path in objects:
        own = functions(path)
        anchor = next(f for f in own if f[2] in places)
        spans += [(at - anchor[0] + places[anchor[2]], size, name)
                  for at, size, name in own if name not in places]
    spans.sort()
    nexts = [s[0] for s in spans[1:]] + [spans[-1][0]]
    return [(at, size or max(0, after - at), name)
            for (at, size, name), after in zip(spans, nexts)]


def between(spans):
    """Bytes outside of functions, but for what alignment explains."""
    rest, end = 0, spans[0][0]
    for at, size, _ in spans:
        rest += at - end if at - end > PADDING else 0
        end = max(end, at + size)
    return rest


def main():
    elf = sys.argv[1]
    spans = all_functions(elf, sys.argv[2:])
    bad = 0
    if re.search(r"LOAD.*RWE", run("readelf", "-lW", elf)):
        print("lint-enclave: a segment is writable and executable")
        bad += 1
    index, end, name, instructions = 0, 0, None, 0
    for line in run("objdump", "-d", "--no-show-raw-insn", elf).splitlines():
        m = re.match(r"\s*([0-9a-f]+):\t(.*)", line)
        if not m:
            continue
        at = int(m[1], 16)
        while index < len(spans) and spans[index][0] <= at:
            start, size, name = spans[index]
            end = max(end, start + size)
            index += 1
        if at >= end:
            continue
        instructions += 1
        text = re.sub(r"^((rep\w*|lock|bnd|notrack|data16|cs|ds|es|ss)\s+)*",
                      "", m[2].split("#")[0].strip())
        word = text.split()[0] if text else "(bad)"
        if word == "(bad)" or ILLEGAL.match(word) or SPECIAL.match(text):
            print(f"lint-enclave: {at:x} in {name}: {m[2]}")
            bad += 1
    rest = between(spans)
    if instructions < 50000 or rest > TABLES_MAX:
        print(f"lint-enclave: {instructions} instructions seen, {rest} bytes "
              "of text belong to no function")
        bad += 1
    sys.exit(bad > 0)


main()

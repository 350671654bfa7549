#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Computes MRENCLAVE from a file of `sgxemu --log-build`, by the SDM alone,
and compares it with what EINIT found, and with the report in a quote, if one
is given. Prints a test line."""
import hashlib
import struct
import sys


def record(name, *fields):
    data = name.encode().ljust(8, b"\0") + b"".join(fields)
    return data.ljust(64, b"\0")


def u64(value):
    return struct.pack("<Q", value)


def main(path, quote=None):
    digest, count, bad, found = None, 0, 0, set()
    for line in open(path):
        word, *args = line.split()
        if word == "ecreate":
            size, ssa = int(args[0], 16), int(args[1], 16)
            digest = hashlib.sha256(
                record("ECREATE", struct.pack("<IQ", ssa, size)))
        elif word == "eadd":
            offset, flags = int(args[0], 16), int(args[1], 16)
            digest.update(record("EADD", u64(offset), u64(flags)))
        elif word == "eextend":
            data = bytes.fromhex(args[2])
            if hashlib.sha256(data).hexdigest() != args[1]:
                bad += 1
            digest.update(record("EEXTEND", u64(int(args[0], 16))))
            digest.update(data)
        elif word == "einit" and args[1] == "0x0":
            count += 1
            found.add(digest.digest())
            if digest.hexdigest() != args[0]:
                bad += 1
                print("#", digest.hexdigest(), "is not", args[0])
    if quote and open(quote, "rb").read()[112:144] not in found:
        bad += 1
        print("# the quote's enclave was not built here")
    good = count > 0 and bad == 0
    print("ok" if good else "not ok",
          "sgxemu MRENCLAVE of %d builds, recomputed from the log" % count)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

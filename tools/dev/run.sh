#!/bin/bash
# SPDX-License-Identifier: MIT
# make run: packs a root file system with Debian's own busybox, python3 and
# sqlite3 into a verified image and runs all three in it, without a TEE and then
# in an enclave under sgxemu.
# usage: run.sh BUILD
set -eu
b=$1
rootfs=$b/run/rootfs image=$b/run/root.img

mkdir -p "$b/run"
echo "packing busybox, python3 and sqlite3 into $image"
tests/guest/rootfs.sh "$rootfs"
"$b/bin/enclos" build "$rootfs" -o "$image"

run() {
    echo "+ enclos run --target $target --root $image $*"
    "$b/bin/enclos" run --target $target --root "$image" "$@"
}
for target in linux sgx-emu; do
    run /bin/busybox echo "hello from busybox"
    run /usr/bin/python3 -c \
        'import platform; print("hello from python", platform.python_version())'
    run /usr/bin/sqlite3 :memory: \
        "select 'hello from sqlite ' || sqlite_version()"
done

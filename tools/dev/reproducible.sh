#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the committed tree in two directories and compares what a bundle is
# made of: the enclave's kernel, the command, and a bundle.
set -eu
work=$(mktemp -d)
commit=$(git rev-parse HEAD) # whatever becomes of the tree meanwhile
trap 'rm -rf "$work"' EXIT

for name in a other-name; do
    git clone -q . "$work/$name"
    git -C "$work/$name" -c advice.detachedHead=false checkout -q "$commit"
    make -s -C "$work/$name" -j"$(nproc)" build/bin/enclos \
        build/lib/enclos/enclos-sgx.elf >"$work/log" 2>&1 ||
        { tail "$work/log"; exit 1; }
    XDG_CACHE_HOME="$work/$name/cache" \
        "$work/$name/build/bin/enclos" build /bin/busybox \
        -o "$work/$name/app.enc" >/dev/null
done
for file in build/lib/enclos/enclos-sgx.elf build/bin/enclos app.enc; do
    cmp "$work/a/$file" "$work/other-name/$file" && echo "same: $file"
done

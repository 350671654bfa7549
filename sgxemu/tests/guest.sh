#!/bin/bash
# SPDX-License-Identifier: MIT
# The guest of our own under sgxemu: plain, and what --single-step adds; then
# MRENCLAVE computed again from the log of the build.
#
# usage: guest.sh BUILD-DIR
set -u
emu=$1/bin/sgxemu
guest=$1/bin/sgxemu-guest
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

run() { # NAME OPTIONS... -- ARGS: one line for the program's end
    local name=$1
    shift
    $emu --machine "$tmp/machine" "$@"
    local status=$?
    if [ $status -gt 1 ]; then
        echo "not ok sgxemu $name: the guest ended with $status"
    fi
}

SGXEMU_QUOTE=$tmp/quote run all --log-build "$tmp/log" -- "$guest" 2>/dev/null
emu="$1/bin/sgxemu-lacking $emu" run lacking -- "$guest" 2>"$tmp/err" |
    sed 's/ sgxemu / sgxemu, no keys, no CPUID faulting: /'
grep -q 'WARNING: no protection keys' "$tmp/err" &&
    grep -q 'WARNING: no CPUID faulting' "$tmp/err" &&
    echo "ok sgxemu says at start what the CPU lacks" ||
    echo "not ok sgxemu says at start what the CPU lacks"
SGXEMU_SINGLE_STEP=1 run single-step --single-step -- "$guest" rules \
    2>/dev/null | sed 's/ sgxemu / sgxemu --single-step /'
run aex-every --aex-at every -- "$guest" pages 2>/dev/null |
    sed 's/ sgxemu / sgxemu --aex-at every /'
run aex-random --aex-random 5 -- "$guest" keys 2>/dev/null |
    sed 's/ sgxemu / sgxemu --aex-random /'
run aex-at --aex-at 40 -- "$guest" pages 2>/dev/null |
    sed 's/ sgxemu / sgxemu --aex-at 40 /'
run exec -- sh -c "'$guest' enter; exec '$guest' keys" 2>/dev/null |
    sed 's/ sgxemu / sgxemu, by exec: /'
run abort-page --abort-page ff -- "$guest" abort 2>/dev/null
run sgx1 --sgx1 -- "$guest" sgx1 2>/dev/null
run epc --epc 256K -- "$guest" epc 2>/dev/null
sgxemu/tests/mrenclave.py "$tmp/log" "$tmp/quote"
"$emu" collateral "$tmp/collateral" --machine "$tmp/machine" >/dev/null
sgxemu/tests/quote.py "$tmp/quote" "$tmp/collateral"

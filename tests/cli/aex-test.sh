#!/bin/bash
# SPDX-License-Identifier: MIT
# An asynchronous exit, with a tick that enters again (CSSA = 1), after the Nth
# instruction of every EENTER of a hello world; each N is a run. The first 80
# are the way in of every kind of entry, the first stage of an exception (an
# entry with CSSA = 1 is over then) and its way out. Elsewhere, exits at random
# instructions, and after every 997th from start to end. (Each instruction is a
# trap, one with REP many, and a trap costs 5 us, under a hypervisor up to 90;
# so that program is the shortest there is.) AEX_LONG=1 (`make test-sgx-aex`)
# runs all of them, else a few; AEX_CLASS=--sgx1: on a CPU without EDMM.
. tests/cli/lib.sh

class=${AEX_CLASS:-}
hello() { # SGXEMU-OPTIONS CPUS NAME [SECONDS PROGRAM]
    local program="${5:-/bin/busybox echo hi}"
    [ "$(ENCLOS_SGXEMU="$class $1 --aex-signal 26" timeout -s KILL \
        "${4:-120}" "$enclos" run --target sgx-emu --cpus "$2" --memory 128M \
        $program 2>"$work/err.$3")" = hi ]
}

# Fails with the Ns that did, of those on standard input.
sweep() {
    local n bad=0
    while read -r n; do
        hello "--aex-at $n" 2 "$n" || {
            echo "after instruction $n:"
            tail -n 3 "$work/err.$n"
            bad=1
        }
    done
    return $bad
}
random() { # SEEDS
    local seed
    for seed in $(seq 1 "$1"); do
        hello "--aex-random $seed" 2 "r$seed" || return 1
    done
}

hello '' 1 0
check aex-hello [ $? = 0 ]
if [ -n "${AEX_LONG:-}" ]; then
    check aex-after-each-instruction eval 'seq 1 80 | sweep'
    check aex-random random 100
    check aex-after-every-997th hello \
        '--aex-at every:997' 1 997 2000 "$CLI_PROGRAMS/greet"
else
    check aex-after-a-few eval 'printf "%d\n" 1 2 5 12 23 37 58 80 | sweep'
fi

#!/bin/bash
# SPDX-License-Identifier: MIT
# Memory safety of what faces the host, proved by Frama-C for all inputs: the
# checks of addresses (ranges.c, by WP) and the parser of completions
# (completions.c, by Eva). That a proof means something is shown by sources with
# a mistake in them, of which there must be none. Prints the tests' lines.
set -u
if ! command -v frama-c >/dev/null || ! command -v why3 >/dev/null; then
    echo "ok prove # SKIP no frama-c here: tools/dev/deps.sh prove installs it"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work # of why3's configuration
why3 config detect >"$work/detect" 2>&1

analyse() { # INCLUDES OPTION...
    local includes=$1
    shift
    timeout 900 frama-c -c11 -machdep gcc_x86_64 -cpp-extra-args="$includes -I. \
        -include tests/prove/prelude.h -DENCLOS_KERNEL -DENCLOS_UNIT" "$@" \
        >"$work/out" 2>&1
}

ranges() { # INCLUDES
    analyse "$1" -wp -wp-prover z3 -wp-timeout 60 \
        -wp-fct outside_range,is_outside,target_ring_setup,target_bounce \
        tests/prove/ranges.c &&
        grep -qE 'Proved goals: +([1-9][0-9]*) / \1$' "$work/out"
}

# Each element of the arrays by itself (plevel), and after a call the states of
# success and failure apart.
completions() { # INCLUDES
    analyse "$1" -eva -eva-precision 2 -eva-plevel 10000 \
        -eva-split-return auto -absolute-valid-range 0x10000000-0x2fffffff \
        tests/prove/completions.c &&
        grep -q '^  0 alarms generated' "$work/out" &&
        grep -q '^  100% of the logical properties' "$work/out"
}

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@"; then
        echo "ok prove $name"
    else
        tail -n 30 "$work/out"
        echo "not ok prove $name"
    fi
}

# The proof must fail with this file changed so.
fails() { # PROOF FILE SED-COMMAND
    mkdir -p "$work/$(dirname "$2")"
    sed "$3" "$2" >"$work/$2"
    ! cmp -s "$2" "$work/$2" && ! "$1" "-iquote$work" && grep -q '^\[\(wp\|eva\)' \
        "$work/out"
    local status=$?
    rm "$work/$2"
    return $status
}

check ranges ranges ''
check ranges-one-off fails ranges target/sgx/enclave/outside.c \
    's/len <= USER_SPACE_END - addr/len <= USER_SPACE_END - addr + 1/'
check completions completions ''
check completions-slot-one-off fails completions kernel/core/hostio_ring.c \
    's/i >= r->slot_count/i > SLOTS_MAX/'
check completions-result-unchecked fails completions kernel/core/hostio_ring.c \
    's/(uint32_t)c->res > s->max/false/'
check completions-buffer-one-off fails completions kernel/core/hostio_given.c \
    's/number >= SMALL_MAX/number > SMALL_MAX/'

#!/bin/bash
# SPDX-License-Identifier: MIT
# Lies of the host program around an enclave (target/sgx/host/lie.c), one a
# run, and what each must lead to: the work done, or the enclave's own refusal.
# Never a crash, a hang or other output. What completions can lie about is in
# kernel/fs/tests/hostile_test.c.
. tests/cli/lib.sh

lie() { # KIND SGXEMU-OPTIONS PROGRAM ARG...
    local words=$2
    export ENCLOS_LIE=$1
    shift 2
    run_for 60 env ENCLOS_SGXEMU="$words" "$enclos" run --target sgx-emu \
        --memory 128M "$@"
    unset ENCLOS_LIE
}
run_for() { # SECONDS COMMAND: as lib.sh's run, killed when it hangs
    local seconds=$1
    shift
    timeout -s KILL "$seconds" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
refused() { # KIND WORDS [SGXEMU-OPTIONS]
    lie "$1" "${3:-}" /bin/busybox echo hi
    check "lie-$1${3:-}" both 'status_is 125' "err_has '$2'" '[ ! -s "$work/out" ]'
}
harmless() { # KIND [SGXEMU-OPTIONS]
    lie "$1" "${2:-}" /bin/busybox sh -c 'for i in 1 2 3; do echo $i; done'
    check "lie-$1${2:-}" both 'status_is 0' \
        '[ "$(tr -d "\\n" <"$work/out")" = 123 ]'
}

refused base 'refuses to be entered' --sgx1
for kind in exchanges exchanges-wrap unaligned; do
    refused $kind 'refuses to be entered'
done
refused version 'of another version'
for kind in clock signals; do
    refused $kind 'boot data is no good'
done
refused tsc 'boot data is no good' --sgx1
refused ring 'not outside the enclave'
refused ring-index 'not outside the enclave'
refused ring-size ''
refused bounce 'not outside the enclave'
refused bounce-size 'not outside the enclave'
refused cpuid 'CPUID table is too long'
refused restrict 'did not restrict'
# No code at the way in: an exception while RSP is the host's.
lie way-in '' --cpus 1 /bin/busybox echo hi
check lie-way-in both 'status_is 125' 'err_has "own text"' '[ ! -s "$work/out" ]'
# Too much to be kept goes.
lie trim '' /bin/busybox sh -c \
    'busybox dd if=/dev/zero of=/dev/null bs=40M count=1; echo on'
check lie-trim both 'status_is 125' 'err_has "did not trim"'

# vCPUs are added at run time. Without the host's help the instance has those
# that there are: here one, or the two before the one that was refused.
vcpus() { # KIND COUNT
    lie "$1" '' --cpus 4 /bin/busybox sh -c \
        'busybox nproc; for i in 1 2 3; do busybox true & done; wait'
    check "lie-$1" both 'status_is 0' "out_is $2" 'err_has "virtual CPUs"'
}
vcpus vcpu-pages 1
vcpus vcpu-tcs 1
vcpus vcpu-tcs-refused 1
vcpus vcpu-start 2
# It has a thread enter, and says that there is none: either the vCPU is there,
# or the thread finds no TCS to enter.
lie vcpu-start-denied '' --cpus 2 /bin/busybox echo hi
check lie-vcpu-start-denied eval 'status_is 0 && out_is hi ||
    { status_is 125 && err_has "cannot be entered"; }'
harmless hide
harmless hide-refused
harmless wake
harmless exception-signals
harmless flood
harmless faults '--sgx1 --aex-random 2 --aex-signal 26'
# Where the mappings deny the access a fault may be true: the program's SIGSEGV.
lie faults-denied '--sgx1 --aex-random 2 --aex-signal 26' /bin/busybox echo hi
check lie-faults-denied eval 'status_is 0 || status_is 139'

#!/bin/bash
# SPDX-License-Identifier: MIT
# Target sgx under sgxemu: programs, exits and bundles, exits at random places,
# and how often an enclave is left.
. tests/cli/lib.sh

bb=/bin/busybox
emulated() { # WORDS-FOR-SGXEMU ARG...
    local words=$1
    shift
    ENCLOS_SGXEMU=$words run --target sgx-emu "$@"
}

emulated '' $bb echo hi there
check sgx-hello both 'status_is 0' 'out_is "hi there"' 'err_has EMULATED'
emulated '' $bb false
check sgx-exit-status status_is 1
emulated '' $bb sh -c 'kill -TERM $$'
check sgx-death-by-signal status_is 143
emulated '' /no/such/program
check sgx-not-found status_is 127
emulated '' --root host $bb true
check sgx-host-tree-refused both 'status_is 125' 'err_has "verified image"'

# What target linux takes from the command line, and from who starts it.
(trap '' USR1 USR2 && emulated '' $bb grep SigIgn /proc/self/status &&
    cp "$work/out" "$work/ignored")
check sgx-ignored-signals test "$(cat "$work/ignored")" = \
    "$(trap '' USR1 USR2 && exec $bb grep SigIgn /proc/self/status)"
# Signal 33 is libc's own, which takes it with its first thread; packing has one.
ignoring='import ctypes, os, sys
ctypes.CDLL(None).syscall(13, 33, (ctypes.c_ulong * 4)(1, 0, 0, 0), None, 8)
os.execvp(sys.argv[1], sys.argv[1:])'
for target in linux sgx-emu; do
    XDG_CACHE_HOME=$work/$target timeout 60 python3 -c "$ignoring" "$enclos" \
        run --target $target $bb grep SigIgn /proc/self/status \
        >"$work/out" 2>"$work/err" </dev/null
    check "signal-33-ignored $target" grep -q 'SigIgn.*[1357]........$' "$work/out"
done
mkdir -p "$work/shared" "$work/tree/bin"
echo from the host >"$work/shared/file"
emulated '' --mount "$work/shared:/mnt/host:ro" $bb cat /mnt/host/file
check sgx-mount both 'status_is 0' 'out_is "from the host"'
cp $bb "$work/tree/bin/busybox"
emulated '' --root "$work/tree" busybox echo hi
check sgx-bare-name both 'status_is 0' 'out_is hi'
emulated '' --root "$work/tree" --cwd /bin ./busybox echo hi
check sgx-relative-name both 'status_is 0' 'out_is hi'
emulated '' --root "$work/tree" nothing
check sgx-bare-name-not-found both 'status_is 127' 'err_has "not found"'

legacy_layout() { # everything below ELRANGE's end, but for what we do about it
    (
        ulimit -s unlimited 2>/dev/null
        emulated '' $bb echo hi
        out_is hi
    )
}
check sgx-legacy-layout legacy_layout

# How often somebody waits depends on the machine; the rest does not.
count() { sed -n "s/^ *\([0-9]*\) .*$1\$/\1/p" "$work/err"; }
few_exits() {
    local all waits ticks
    all=$(count EENTERs) waits=$(count 'for waits') ticks=$(count 'for ticks')
    [ "$all" -gt 0 ] && [ $((all - ${waits:-0} - ${ticks:-0})) -le 60 ]
}
emulated '' --stats $bb echo hi
check sgx-few-exits few_exits

# Work inside leaves the enclave for nothing: one vCPU that computes, threads
# that wake each other. What hello world takes is in the count.
inside=$CLI_PROGRAMS/exits
leaves_at_most() { # MOST WORD ARG...
    local most=$1
    shift
    SECONDS=0
    emulated '' --stats --cpus 1 "$inside" "$@"
    status_is 0 && [ "$(count EENTERs)" -le "$most" ]
}
# On a machine that runs others meanwhile more ticks pass in as many rounds.
ping_pong() { # NAME WORD
    leaves_at_most $((100 + 60)) "$2" 1000000
    enough=$?
    if [ $enough != 0 ] && status_is 0 && [ $SECONDS -ge 4 ]; then
        echo "ok cli $1 # SKIP the machine is too busy"
    else
        check "$1" [ $enough = 0 ]
    fi
}
check sgx-compute-stays-inside leaves_at_most $((2 * 120 + 60)) compute 2
ping_pong sgx-pipes-stay-inside pipe
ping_pong sgx-futexes-stay-inside futex

# An exit at random instructions, each with a tick (SIGVTALRM) that enters
# again at that instruction.
for seed in 1 2 3; do
    emulated "--aex-random $seed --aex-signal 26" $bb echo hi
    check "sgx-exits-anywhere-$seed" both 'status_is 0' 'out_is hi'
done

built() { sed -n 's/^einit \([0-9a-f]*\) .*/\1/p' "$1"; }

# The SGX1 class: on a CPU without EDMM, RDTSC and EXINFO.
emulated --sgx1 --memory 256M $bb echo hi
check sgx1-hello both 'status_is 0' 'out_is hi'
printf '{"enclave": {"class": "sgx1"}, "vcpus": 2, "memory": "128M"}\n' \
    >"$work/sgx1.json"
ours keygen "$work/key1.pem"
ours build $bb --policy "$work/sgx1.json" -o "$work/sgx1.enc"
ours sign "$work/sgx1.enc" --key "$work/key1.pem"
ours measure "$work/sgx1.enc"
measured=$(sed -n 's/^mrenclave: //p' "$work/out")
emulated "--sgx1 --log-build $work/log1" "$work/sgx1.enc"
check sgx1-bundle status_is 0
check sgx1-measured-as-built both '[ -n "$measured" ]' \
    '[ "$(built "$work/log1")" = "$measured" ]'
emulated '' "$work/sgx1.enc"
check sgx1-bundle-with-edmm status_is 0
ours build $bb -o "$work/edmm.enc"
ours sign "$work/edmm.enc" --key "$work/key1.pem"
emulated --sgx1 "$work/edmm.enc"
check sgx1-refuses-edmm both 'status_is 125' 'err_has "SGX1 only"'
emulated '--sgx1 --aex-random 4 --aex-signal 26' --memory 128M $bb echo hi
check sgx1-exits-anywhere both 'status_is 0' 'out_is hi'

# A bundle: what is measured offline is what is built, and nothing else starts.
ours keygen "$work/key.pem"
ours build $bb -o "$work/app.enc"
run --target sgx-emu "$work/app.enc"
check sgx-unsigned-refused both 'status_is 125' 'err_has "not signed"'
ours sign "$work/app.enc" --key "$work/key.pem"
check sgx-sign status_is 0
ours measure "$work/app.enc"
measured=$(sed -n 's/^mrenclave: //p' "$work/out")
emulated "--log-build $work/log" "$work/app.enc"
check sgx-bundle status_is 0
check sgx-measured-as-built both '[ -n "$measured" ]' \
    '[ "$(built "$work/log")" = "$measured" ]'

# Any byte of the kernel counts: in the middle of its text.
cp "$work/app.enc" "$work/bad.enc"
at=$(LC_ALL=C grep -abo ENCLSGX "$work/bad.enc" | head -n 1 | cut -d: -f1)
at=${at:-200000}
byte=$(od -A n -t u1 -j $((at + 5000)) -N 1 "$work/bad.enc" | tr -d ' ')
printf "\\x$(printf %02x $((byte ^ 1)))" |
    dd of="$work/bad.enc" bs=1 seek=$((at + 5000)) conv=notrunc 2>"$work/err"
emulated '' "$work/bad.enc"
check sgx-changed-byte-refused both 'status_is 125' 'err_has "damaged"'
# With a header that agrees it is EINIT that refuses.
python3 - "$work/bad.enc" <<'END'
import hashlib, sys
with open(sys.argv[1], "r+b") as f:
    d = bytearray(f.read())
    size = int.from_bytes(d[32:40], "little")
    d[72:104] = hashlib.sha256(d[8192:8192 + size]).digest()
    d[4064:4096] = hashlib.sha256(d[:4064]).digest()
    f.seek(0)
    f.write(d)
END
emulated '' "$work/bad.enc"
check sgx-other-kernel-refused both 'status_is 125' 'err_has EINIT'
# A byte that no segment has: of the ELF header's padding.
cp "$work/app.enc" "$work/bad.enc"
printf x | dd of="$work/bad.enc" bs=1 seek=12200 conv=notrunc 2>"$work/err"
emulated '' "$work/bad.enc"
check sgx-unloaded-byte-refused both 'status_is 125' 'err_has "damaged"'

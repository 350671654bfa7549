#!/bin/bash
# SPDX-License-Identifier: MIT
# Families as the operator sees them: figures, traces, limits, and that nothing
# is left behind.
. tests/cli/lib.sh

py=/usr/bin/python3

# kib peak|end: KiB of kernel memory of the last run, at the most or at its end.
kib() {
    [ "$status" -eq 0 ] || return 1
    awk "/KiB of kernel memory, .*$1/"' { print $1 }' "$work/err"
}

# peak OPTION...: the most that a run of fork-many takes.
peak() {
    run --stats --root host "$work/fork-many" "$@"
    kib peak
}

cc -O2 -w -D_GNU_SOURCE -pthread -o "$work/fork-many" \
    tests/guest/fork-many/main.c || exit 1

# A page lost a fork would be 40 MB, a kernel stack a thread 80.
before=$(peak 1 100 1)
after=$(peak 1 10000 1)
check ten-thousand-forks [ -n "$before" -a "$after" -lt $((before + 4096)) ]
run --stats --root host "$work/fork-many" 500 1 1
check many-alive grep -q "alive at once: 500, told 500, right 500" "$work/out"
# What is kept for the next load is bounded: 18 MB, and what is in use.
kept=32768
check many-processes-give-back [ "$(kib peak)" -gt $((2 * kept)) -a \
    "$(kib end)" -lt $kept ]

# Some of so many lie at the end of the kernel's memory, where nothing follows
# their vector state.
for again in 1 2 3; do
    run --stats --root host "$work/fork-many" 300 1 5000
    grep -q "threads at once: 5000" "$work/out" || break
done
check many-threads grep -q "threads at once: 5000" "$work/out"
check many-threads-give-back [ "$(kib peak)" -gt $((2 * kept)) -a \
    "$(kib end)" -lt $kept ]

cat >"$work/rounds.py" <<'END'
import os, sys
for i in range(int(sys.argv[1])):
    if os.spawnv(os.P_WAIT, sys.argv[2], sys.argv[2:]):
        sys.exit(1)
END
rounds() {
    run --stats --root host $py -S "$work/rounds.py" "$1" "$work/fork-many" \
        80 1 1
    kib peak
}
# A page for each of 2,400 processes would be a quarter and more.
once=$(rounds 10)
often=$(rounds 40)
check many-alive-leave-nothing [ -n "$once" -a \
    "$often" -lt $((once + once / 4)) ]

# The host has room for the mappings of either of two, but not for both's.
cc -O2 -o "$work/mappings" tests/cli/mappings.c || exit 1
run --root host "$work/mappings"
check family-many-mappings out_is "all there"

forks='
import os, time
block = bytearray(40 << 20)
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(w, b"x")
    end = time.time() + 0.3
    while time.time() < end: block[5000] ^= 1
    os._exit(3)
os.read(r, 1)
end = time.time() + 0.3
while time.time() < end: block[5000] ^= 1
print(os.waitpid(pid, 0)[1] >> 8)'

run --stats --strace --root host $py -S -c "$forks"
check family-figures both 'out_is 3' 'err_has "1 forks"' \
    'err_has "[0-9]* KiB of pages moved by them"' \
    'err_has "^\[1\] python3: 1 forks, [0-9]* KiB copied; [0-9]* times swapped"'
check strace-follows-children both 'err_has "^\[1\] clone(.*= 2 "' \
    'err_has "^\[2\] write(.*, \"x\", 1) *= 1 "' \
    'err_has "^\[2\] exit_group(3"'
run --stats --swap copy --root host $py -S -c "$forks"
check family-figures-copy both 'out_is 3' 'err_has " 0 KiB of pages moved by"'

run --swap-memory 16M --memory 1G --root host $py -S -c "$forks"
check swap-limit both 'err_has "Cannot allocate memory"' \
    'err_has "more than 16 MiB.*--swap-memory.*raises"' \
    '! err_has "memory limit"'
run --swap-memory 64M --root host $py -S -c "$forks"
check swap-limit-enough out_is 3
run --swap maybe /bin/true
check swap-kinds both 'status_is 125' 'err_has "move or copy"'

echo '{"swap_memory": "64M"}' >"$work/p.json"
ours build --policy "$work/p.json" /bin/busybox -o "$work/b"
ours inspect "$work/b"
check swap-policy grep -q '"swap_memory": 67108864' "$work/out"

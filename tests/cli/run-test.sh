#!/bin/bash
# SPDX-License-Identifier: MIT
# enclos run: roots, environment, exit status, messages.
. tests/cli/lib.sh

bb=/bin/busybox
mkdir -p "$work/root/bin" "$work/root/etc"
cp /bin/busybox "$work/root/bin/"
echo "in the root" >"$work/root/etc/motd"
printf '#!/bin/busybox sh\necho script $0 $1\nexit 4\n' >"$work/root/script"
chmod +x "$work/root/script"
printf 'not a program\n' >"$work/root/text"
chmod +x "$work/root/text"
cp "$work/root/etc/motd" "$work/root/plain"

run $bb echo hi
check root-auto both 'status_is 0' 'out_is hi' 'err_has "NOT CONFIDENTIAL"'
run $bb echo hi
check root-auto-cached both 'status_is 0' 'out_is hi'
run /bin/bash -c 'ls -d /tmp | sed s/t/T/; id -u; sh -c "sleep 0; exit 3"'
check root-auto-shell both 'status_is 3' 'out_is "/Tmp
$(id -u)"'
run --root host $bb echo hi
check root-host both 'status_is 0' 'out_is hi'
run --root "$work/root" $bb cat /etc/motd
check root-dir both 'status_is 0' 'out_is "in the root"'
ours build "$work/root" -o "$work/root.img"
check build both 'status_is 0' 'grep -qE "^root hash: [0-9a-f]{64}$" "$work/out"'
run --root "$work/root.img" $bb cat /etc/motd
check root-image both 'status_is 0' 'out_is "in the root"'
run --root="$work/root.img" $bb cat /etc/motd
check option-equals both 'status_is 0' 'out_is "in the root"'

mkdir -p "$work/shown/sub"
echo "of the host" >"$work/shown/sub/f"
run --root "$work/root.img" --mount "$work/shown:/mnt/data:ro" \
    $bb cat /mnt/data/sub/f
check mount both 'status_is 0' 'out_is "of the host"'
run --root "$work/root.img" --mount "$work/shown:/mnt/data:ro" \
    $bb touch /mnt/data/sub/new
check mount-read-only both 'status_is 1' 'err_has Read-only'
run --root "$work/root.img" --mount "$work/none:/mnt:ro" $bb true
check mount-missing both 'status_is 125' 'err_has "No such file"'

run --root "$work/root.img" $bb sh -c 'exit 42'
check exit-status status_is 42
run --root "$work/root.img" $bb sh -c 'kill -TERM $$'
check death-by-signal status_is 143
run --root "$work/root.img" /no/such/program
check not-found both 'status_is 127' 'err_has "/no/such/program"'
run --root "$work/root.img" /plain
check not-executable both 'status_is 126' 'err_has "/plain"'
run --root "$work/root.img" /text
check not-a-program both 'status_is 126'
run --root "$work/root.img" /etc
check a-directory both 'status_is 126'
run --root "$work/root.img" /script arg
check script both 'status_is 4' 'out_is "script /script arg"'
run no-such-program-anywhere
check auto-not-found status_is 127
run --no-such-option $bb true
check unknown-option both 'status_is 125' 'err_has "unknown option"'
run --roo "$work/root" $bb true
check near-option both 'status_is 125' 'err_has "did you mean .--root"'
run --root /no/such/root $bb true
check bad-root both 'status_is 125' 'err_has "/no/such/root"'
run --root "$work/root/plain" $bb true
check root-is-no-image both 'status_is 125' 'err_has "is not an image"'
run --cpus 0 $bb true
check bad-cpus status_is 125
run --memory 12Q $bb true
check bad-memory status_is 125
run
check no-program status_is 125
ours frobnicate
check unknown-command both 'status_is 125' 'err_has frobnicate'

run --root "$work/root.img" --env A=1 --env B=two $bb sh -c 'echo $A $B'
check env both 'status_is 0' 'out_is "1 two"'
SECRET=x run --root "$work/root.img" $bb sh -c 'echo "<$SECRET>"'
check env-not-passed out_is '<>'
SECRET=x run --root "$work/root.img" --env-pass SECRET $bb sh -c 'echo "<$SECRET>"'
check env-pass out_is '<x>'
run --root "$work/root.img" --cwd /etc $bb pwd
check cwd out_is /etc
run --root "$work/root.img" --cwd /none $bb pwd
check cwd-missing both 'status_is 125' 'out_is ""' 'err_has "no directory /none to start in"'
run --root "$work/root.img" --cpus 1 $bb nproc
check cpus-1 out_is 1
run --root "$work/root.img" --cpus 3 $bb nproc
check cpus-3 out_is 3

echo "from stdin" | timeout 20 "$enclos" run --root "$work/root.img" $bb cat \
    >"$work/out" 2>/dev/null
check stdin out_is 'from stdin'
head -c 3000000 /dev/urandom >"$work/big"
printf 'one\ntwo\nthree\n' >"$work/lines"
{
    timeout 20 "$enclos" run --root "$work/root.img" $bb sh -c \
        'read a; echo $a' 2>"$work/err"
    cat
} <"$work/lines" >"$work/out"
check stdin-position-is-shared out_is "$(printf 'one\ntwo\nthree')"
timeout 20 "$enclos" run --root "$work/root.img" $bb tail -c 6 \
    <"$work/lines" >"$work/out" 2>"$work/err"
check stdin-seeks out_is three

python3 - "$enclos" >"$work/out" 2>"$work/err" <<'END'
import socket, subprocess, sys
theirs, ours = socket.socketpair()
script = """import socket
try:
    socket.socket(socket.AF_UNIX).connect('/proc/self/fd/0')
except OSError as e:
    print(e.strerror)
"""
subprocess.run([sys.argv[1], "run", "--root", "host", sys.executable, "-c",
                script], stdin=ours, timeout=60)
END
check stdin-socket-is-none-of-ours out_is "Connection refused"

timeout 30 "$enclos" run --root "$work/root.img" $bb md5sum <"$work/big" \
    2>/dev/null | cut -d' ' -f1 >"$work/out"
check big-stdin out_is "$(md5sum <"$work/big" | cut -d' ' -f1)"
timeout 30 "$enclos" run --root "$work/root.img" $bb yes 2>/dev/null |
    head -n 100000 | md5sum >"$work/out"
check broken-pipe out_is "$(yes | head -n 100000 | md5sum)"

run --root "$work/root.img" --strace $bb cat /etc/motd
check strace both 'status_is 0' 'out_is "in the root"' \
    'grep -qE "open(at)?\(.*/etc/motd" "$work/err"' \
    'grep -q "exit_group(0)" "$work/err"'
run --root "$work/root.img" --stats $bb true
check stats both 'status_is 0' 'err_has calls'

"$enclos" run --root "$work/root.img" $bb sleep 60 >/dev/null 2>&1 &
pid=$!
sleep 1
kill -TERM $pid
wait $pid
status=$?
check sigterm-passes status_is 143

# What is ignored at the start is ignored inside, until the program handles it.
(trap '' USR1 USR2 && run --root "$work/root.img" $bb grep SigIgn \
    /proc/self/status)
check ignored-signals out_is "$(trap '' USR1 USR2 && exec $bb grep SigIgn \
    /proc/self/status)"
cat >"$work/quit.py" <<'.'
import os, signal
signal.signal(signal.SIGQUIT, lambda *_: os._exit(7))
print("ready", flush=True)
while True:
    signal.pause()
.
(
    trap '' QUIT
    exec "$enclos" run --root host python3 "$work/quit.py"
) >"$work/out" 2>/dev/null &
pid=$!
until grep -q ready "$work/out" || ! kill -0 $pid; do sleep 0.1; done
kill -QUIT $pid
wait $pid
status=$?
check handled-after-ignored status_is 7

# What decides about sockets can be changed.
run --root host python3 -c "
import socket
net = '/proc/sys/net/'
with open(net + 'ipv4/ip_local_port_range', 'w') as f:
    f.write('40000 40009')
print(open(net + 'ipv4/ip_local_port_range').read().split())
taken = []
try:
    while len(taken) < 20:
        s = socket.socket()
        s.bind(('127.0.0.77', 0))
        taken.append(s)
except OSError as e:
    print(e.strerror)
print(all(40000 <= s.getsockname()[1] < 40010 for s in taken))
for name, value in ('rmem_default', '30000'), ('wmem_max', '20000'):
    with open(net + 'core/' + name, 'w') as f:
        f.write(value)
s = socket.socket(type=socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1000000)
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
      s.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))
for bad in 'x', '5', '50000 40000', '0 1000':
    try:
        with open(net + 'ipv4/ip_local_port_range', 'w') as f:
            f.write(bad)
    except OSError as e:
        print(e.strerror)"
check tunables-of-sockets both 'status_is 0' "out_is \"['40000', '40009']
Address already in use
True
30000 40000
Invalid argument
Invalid argument
Invalid argument
Invalid argument\""
ours check
check check both '[ $status -le 1 ]' 'grep -q FSGSBASE "$work/out"'
ours help
check help both 'status_is 0' 'grep -q "enclos run" "$work/out"'
ours help measure
check help-of-one both 'status_is 0' 'grep -q "enclos measure" "$work/out"' \
    '! grep -q "enclos run" "$work/out"'
ours help frob
check help-of-none both 'status_is 125' "err_has \"no command 'frob'\""

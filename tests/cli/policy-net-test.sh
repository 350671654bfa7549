#!/bin/bash
# SPDX-License-Identifier: MIT
# A policy's network rules, on loopback: what is not listed is refused.
. tests/cli/bundle-lib.sh
cp "$programs/net" "$work/net"

# Two servers of the host, and a port to listen on.
python3 - "$work" <<'END' &
import os
import socket
import sys
import time
tcp, other, free = (socket.socket() for i in range(3))
udp = socket.socket(type=socket.SOCK_DGRAM)
# Kept from everybody but who says SO_REUSEADDR, too.
free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
for s in (tcp, other, free, udp):
    s.bind(("127.0.0.1", 0))
tcp.listen()
other.listen()
ports = [s.getsockname()[1] for s in (tcp, other, free, udp)]
with open(sys.argv[1] + "/ports.new", "w") as f:
    print(*ports, file=f)
os.rename(sys.argv[1] + "/ports.new", sys.argv[1] + "/ports")
time.sleep(120)
END
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 1 300); do
    [ -e "$work/ports" ] && break
    sleep 0.1
done
read -r tcp other free udp <"$work/ports"

# with RULES: what becomes of each try.
with() {
    echo "{\"net\": $1, \"entry\": {\"args\": [\"net\", \"connect\", \"$tcp\",
        \"connect\", \"$other\", \"listen\", \"$free\", \"send\", \"$udp\"]}}" \
        >"$work/p.json"
    pack "$work/net" --policy "$work/p.json"
    [ "$status" = 0 ] && run "$work/app.enc"
}
got() { [ "$(cut -d' ' -f2 "$work/out" | tr '\n' ' ')" = "$1" ]; }

with '{}'
check nothing got 'EPERM EPERM EACCES EPERM '
with "{\"connect\": [\"tcp:127.0.0.1:$tcp\"]}"
check one-port got 'works EPERM EACCES EPERM '
with '{"connect": ["tcp:127.0.0.0/8:*"]}'
check one-net got 'works works EACCES EPERM '
with '{"connect": ["tcp:10.0.0.0/8:*", "tcp:[::1]:*", "udp:*"]}'
check others got 'EPERM EPERM EACCES works '
with "{\"listen\": [\"tcp:$free\"]}"
check listen got 'EPERM EPERM works EPERM '
with '{"listen": ["tcp:*"], "connect": ["tcp:*", "udp:*"]}'
check everything got 'works works works works '

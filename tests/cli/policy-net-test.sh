#!/bin/bash
# SPDX-License-Identifier: MIT
# A policy's network rules, on loopback: what is not listed is refused.
. tests/cli/bundle-lib.sh
cp "$programs/net" "$work/net"

# Two servers of the host, and ports to listen on.
python3 - "$work" <<'END' &
import os
import socket
import sys
import time
tcp, other, free, inner = (socket.socket() for i in range(4))
udp = socket.socket(type=socket.SOCK_DGRAM)
# Kept from everybody but who says SO_REUSEADDR, too.
for s in (free, inner):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
for s in (tcp, other, free, inner, udp):
    s.bind(("127.0.0.1", 0))
tcp.listen()
other.listen()
ports = [s.getsockname()[1] for s in (tcp, other, free, inner, udp)]
with open(sys.argv[1] + "/ports.new", "w") as f:
    print(*ports, file=f)
os.rename(sys.argv[1] + "/ports.new", sys.argv[1] + "/ports")
for _ in range(6000):
    try:
        socket.create_connection(("127.0.0.1", ports[2]), 1).close()
    except OSError:
        pass
    time.sleep(0.02)
END
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 1 300); do
    [ -e "$work/ports" ] && break
    sleep 0.1
done
read -r tcp other free inner udp <"$work/ports"

# with RULES SERVE: what becomes of each try; SERVE is serve or unserved.
with() {
    echo "{\"net\": $1, \"entry\": {\"args\": [\"net\", \"connect\", \"$tcp\",
        \"connect\", \"$other\", \"inside\", \"$inner\", \"$2\", \"$free\",
        \"send\", \"$udp\"]}}" >"$work/p.json"
    pack "$work/net" --policy "$work/p.json"
    [ "$status" = 0 ] && run "$work/app.enc"
}
got() { [ "$(cut -d' ' -f2 "$work/out" | tr '\n' ' ')" = "$1" ]; }

with '{}' unserved
check nothing got 'EPERM EPERM works ETIMEDOUT EPERM '
with "{\"connect\": [\"tcp:127.0.0.1:$tcp\"]}" unserved
check one-port got 'works EPERM works ETIMEDOUT EPERM '
with '{"connect": ["tcp:127.0.0.0/8:*"]}' unserved
check one-net got 'works works works ETIMEDOUT EPERM '
with '{"connect": ["tcp:10.0.0.0/8:*", "tcp:[::1]:*", "udp:*"]}' unserved
check others got 'EPERM EPERM works ETIMEDOUT works '
with "{\"listen\": [\"tcp:$free\"]}" serve
check listen got 'EPERM EPERM works works EPERM '
with '{"listen": ["tcp:*"], "connect": ["tcp:*", "udp:*"]}' serve
check everything got 'works works works works works '

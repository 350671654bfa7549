#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that building, running and testing need; with
# "prove", those of `make prove`, which are large, instead.
# Says nothing and changes nothing when all of them are there.
set -eu

# build; images; libraries; programs of the tests and of `make run`; lint
packages="gcc make binutils libc6-dev
    erofs-utils cryptsetup-bin
    libssl-dev libipsec-mb-dev libzydis-dev
    busybox-static redis-server sqlite3 python3 perl openssl golang-go musl-tools
    gawk jq bc zstd lua5.4 nodejs openjdk-17-jdk-headless imagemagick rustc xz-utils
    ca-certificates util-linux mount procps
    curl wget lighttpd memcached wrk
    nginx-light postgresql mariadb-server-core mariadb-client-core sysbench
    openssh-server openssh-client bind9-dnsutils dnsmasq-base rsync
    python3-grpcio iperf3
    g++ cmake googletest autoconf tmux vim postgresql-15 less
    git gdb clang libclang-rt-14-dev clang-format cppcheck"
[ "${1:-}" != prove ] || packages="frama-c-base why3 z3"

missing=
for p in $packages; do
    s=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
    [ "$s" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "enclos: packages are missing:$missing" >&2
    echo "enclos: run 'make deps' as root, or install them yourself" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends \
    $missing; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "enclos: could not install:$missing" >&2
    exit 1
fi

#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs every case of the cases files twice, natively (chroot into the root
# file system) and under enclos (from the verified image of that same tree),
# and compares standard output and exit status.
#
# usage: run.sh ROOTFS IMAGE ENCLOS CASES
# A line of CASES: NAME: COMMAND, or NAME [ENCLOS-OPTION...]: COMMAND. Words
# are split by the shell; "#" starts a comment. /tmp is empty on both sides.
# GUEST_TARGET=sgx-emu in the environment: on that target, and its name in the
# tests'; GUEST_ONLY: a pattern (grep -E) of the names to run; GUEST_OPTIONS: for
# enclos in every case, with GUEST_SUITE in the tests' names.
# What is named isolated-* needs protection keys, and target linux.
set -u
rootfs=$1 image=$2 enclos=$3 cases=$4

if [ "$(id -u)" -ne 0 ]; then
    echo "ok guest # SKIP chroot(2) needs root"
    exit 0
fi
if [ ! -d "$rootfs" ] || [ ! -f "$image" ] || [ ! -x "$enclos" ]; then
    echo "not ok guest: $rootfs, $image or $enclos is missing"
    exit 1
fi
if [ -z "${ENCLOS_TEST_NS:-}" ]; then
    ENCLOS_TEST_NS=1 exec unshare -m --propagation private "$0" "$@"
fi

# Devices of the tests' own: what root does to a file there, fchmod(0) among
# it, is not to stay on this machine.
make_dev() {
    mount -t tmpfs -o mode=755 tmpfs "$1"
    mknod -m 666 "$1/null" c 1 3
    mknod -m 666 "$1/zero" c 1 5
    mknod -m 666 "$1/full" c 1 7
    mknod -m 666 "$1/random" c 1 8
    mknod -m 666 "$1/urandom" c 1 9
    mknod -m 666 "$1/tty" c 5 0
    mkdir "$1/pts" "$1/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$1/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$1/shm"
    ln -s pts/ptmx "$1/ptmx"
    ln -s /proc/self/fd "$1/fd"
    ln -s /proc/self/fd/0 "$1/stdin"
    ln -s /proc/self/fd/1 "$1/stdout"
    ln -s /proc/self/fd/2 "$1/stderr"
}

mount --bind "$rootfs" "$rootfs"
mount -o remount,bind,ro "$rootfs" # python3 would leave its caches there
mount -t tmpfs tmpfs "$rootfs/tmp"
mount -t proc proc "$rootfs/proc"
make_dev "$rootfs/dev"
target=${GUEST_TARGET:-linux}
suite=guest
[ "$target" = linux ] || suite=guest-$target
suite=$suite${GUEST_SUITE:+-$GUEST_SUITE}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

path="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

while IFS= read -r line; do
    case $line in '' | '#'*) continue ;; esac
    name=${line%%:*}
    command=${line#*: }
    options=
    case $name in
    *' ['*']')
        options=${name#* [}
        options=${options%]}
        name=${name%% [*}
        ;;
    esac
    if [ -n "${GUEST_ONLY:-}" ] && ! grep -qE "$GUEST_ONLY" <<<"$name"; then
        continue
    fi
    case $name in
    isolated-*)
        if [ "$target" != linux ] || ! grep -qw ospke /proc/cpuinfo; then
            echo "ok $suite $name # SKIP no protection keys here"
            continue
        fi
        ;;
    esac
    eval "words=($command)"
    eval "options=(${GUEST_OPTIONS:-} $options)"

    find "$rootfs/tmp/" -mindepth 1 -delete
    chmod 666 "$rootfs/dev/null" # a test may have had it as descriptor 0
    env -i "$path" HOME=/root timeout -k 5 "${GUEST_TIMEOUT:-120}" \
        chroot "$rootfs" "${words[@]}" >"$work/native" 2>"$work/native.err" \
        <"$rootfs/dev/null"
    native=$?
    timeout -k 5 "${GUEST_TIMEOUT:-120}" "$enclos" run --target "$target" --root "$image" "${options[@]}" \
        "${words[@]}" >"$work/ours" 2>"$work/ours.err" </dev/null
    ours=$?
    # 125 is neither the program's nor a success: chroot(1) or enclos failed.
    if [ "$native" = "$ours" ] && [ "$native" -ne 125 ] &&
        cmp -s "$work/native" "$work/ours"; then
        echo "ok $suite $name"
    else
        echo "$name: exit status native $native, enclos $ours; output:"
        diff "$work/native" "$work/ours" | head -n 10
        grep -v 'NOT CONFIDENTIAL\|EMULATED\|^sgxemu: no ' "$work/ours.err" | tail -n 5
        echo "not ok $suite $name"
    fi
done <"$cases"

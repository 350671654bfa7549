#!/bin/bash
# SPDX-License-Identifier: MIT
# The SGX selftests of Linux 6.1 under sgxemu: static and dynamic, REPEAT
# times each, plain and with random asynchronous exits. Their source comes
# from the Debian package linux-source-6.1, is unpacked in the build folder
# and stays there.
#
# usage: selftests.sh BUILD-DIR   (REPEAT=1, OPTIONS for sgxemu)
set -u
build=$(cd "$1" && pwd)
work=$build/sgx-selftests
emu=$build/bin/sgxemu
archive=/usr/src/linux-source-6.1.tar.xz
tree=linux-source-6.1/tools

if [ ! -f "$archive" ] && [ "$(id -u)" -eq 0 ]; then
    { apt-get update && apt-get install -y --no-install-recommends \
        linux-source-6.1; } >/dev/null 2>&1
fi
if [ ! -f "$archive" ]; then
    echo "ok sgx-selftests # SKIP no linux-source-6.1"
    exit 0
fi

prepare() {
    mkdir -p "$work" && cd "$work" || return 1
    [ -d linux-source-6.1 ] || tar xf "$archive" "$tree/testing/selftests/sgx" \
        "$tree/testing/selftests/kselftest.h" \
        "$tree/testing/selftests/kselftest_harness.h" "$tree/include" \
        linux-source-6.1/arch/x86/include || return 1
    local src=$tree/testing/selftests/sgx include="-I$tree/include"
    for f in main load sigstruct; do
        gcc -w -g "$include" -fPIC -c "$src/$f.c" -o $f.o || return 1
    done
    (cd "$src" && gcc -c call.S -o "$work/call.o" &&
        gcc -c sign_key.S -o "$work/sign_key.o") || return 1
    gcc -z noexecstack -o test_dynamic ./*.o -lcrypto || return 1
    gcc -z noexecstack -static -o test_static ./*.o -lcrypto 2>/dev/null ||
        return 1
    gcc -w -static -nostdlib -nostartfiles -fPIC -fno-stack-protector \
        -mrdrnd "$include" -T "$src/test_encl.lds" "$src/test_encl.c" \
        "$src/test_encl_bootstrap.S" -o test_encl.elf -Wl,--build-id=none
}

if ! prepare >"$work.log" 2>&1; then
    cat "$work.log"
    echo "not ok sgx-selftests build"
    exit 1
fi

run() { # NAME PROGRAM OPTIONS...
    local name=$1 program=$2 good=0
    shift 2
    for ((i = 1; i <= ${REPEAT:-1}; i++)); do
        if timeout -s KILL 300 "$emu" ${OPTIONS:-} "${@//SEED/$i}" -- \
            "$program" >"$work/$name.out" 2>&1 &&
            grep -q 'pass:16 fail:0' "$work/$name.out"; then
            good=$((good + 1))
        else
            cat "$work/$name.out"
            break
        fi
    done
    if [ "$good" -eq "${REPEAT:-1}" ]; then
        echo "ok sgx-selftests $name: 16 of 16, $good times"
    else
        echo "not ok sgx-selftests $name, run $i of ${REPEAT:-1}"
    fi
}

cd "$work" || exit 1
run dynamic ./test_dynamic
run static ./test_static
run dynamic-aex-random ./test_dynamic --aex-random SEED
run static-aex-random ./test_static --aex-random SEED

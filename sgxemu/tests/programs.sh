#!/bin/bash
# SPDX-License-Identifier: MIT
# Ordinary programs must not notice sgxemu: the same output as natively.
#
# usage: programs.sh BUILD-DIR
set -u
emu=$1/bin/sgxemu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

same() { # NAME COMMAND...
    local name=$1
    shift
    timeout -s KILL 60 "$@" >"$tmp/native" 2>"$tmp/native.err"
    local native=$?
    timeout -s KILL 60 "$emu" --machine "$tmp/machine" -- "$@" \
        >"$tmp/emulated" 2>"$tmp/emulated.err"
    local emulated=$?
    if [ $native -eq $emulated ] && cmp -s "$tmp/native" "$tmp/emulated"; then
        echo "ok sgxemu programs: $name"
    else
        diff "$tmp/native" "$tmp/emulated" | head -20
        cat "$tmp/emulated.err"
        echo "status $native natively, $emulated under sgxemu"
        echo "not ok sgxemu programs: $name"
    fi
}

cat >"$tmp/script" <<'END'
#!/bin/bash
for i in 1 2 3 4 5 6 7 8 9; do x=$(echo "$i" | tr 1-9 a-i); printf %s "$x"; done
trap 'echo caught' USR1
kill -USR1 $$
(sleep 0.05; exit 3) &
wait $!
echo " $? $0 $*" | sed s,.*script,script,
seq 1000 | sort -r | tail -1
END
chmod +x "$tmp/script"
cat >"$tmp/t.py" <<'END'
import os, subprocess, sys, threading
total = [0] * 8
def work(n):
    for i in range(20000):
        total[n] += i
ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]
[t.start() for t in ts]
[t.join() for t in ts]
print(total, os.path.basename(os.readlink("/proc/self/exe")))
print(subprocess.run(["sh", "-c", "exit 7"]).returncode)
pid = os.fork()
if pid == 0:
    os._exit(5)
print(os.waitpid(pid, 0)[1] >> 8)
END
cat >"$tmp/Makefile" <<'END'
all: a b c d
.PHONY: a b c d
a b c d:
	@sh -c 'sleep 0.01; echo made'
END
cat >"$tmp/t.go" <<'END'
package main

import (
	"fmt"
	"os/exec"
	"sync"
	"time"
)

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	for i := 0; i < 100; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := 0; j < 1000; j++ {
				mu.Lock()
				n++
				mu.Unlock()
			}
			time.Sleep(time.Millisecond)
		}()
	}
	wg.Wait()
	out, err := exec.Command("/bin/echo", "from go").Output()
	fmt.Println(n, string(out), err)
}
END

same "signals" "$1/bin/sgxemu-signals"
same "a script with children" "$tmp/script" one two
same "python3 with threads" /usr/bin/python3 "$tmp/t.py"
same "make -j2" make -s -j2 -C "$tmp" --no-print-directory
if command -v busybox >/dev/null; then
    same "a static program" busybox sh -c 'echo $((6 * 7)); ls / | wc -l'
fi
if command -v go >/dev/null &&
    (cd "$tmp" && HOME=$tmp GO111MODULE=off go build -o t t.go) 2>/dev/null; then
    same "Go" "$tmp/t"
fi
if command -v gdb >/dev/null; then
    cat >"$tmp/twice.c" <<'END'
static int twice(int x) { return 2 * x; }
int main(void) { return twice(21) != 42; }
END
    cc -g -O0 -o "$tmp/twice" "$tmp/twice.c"
    timeout -s KILL 60 gdb -q -batch -x sgxemu/gdbinit -ex sgxemu-start \
        -ex 'break twice' -ex continue -ex backtrace -ex finish -ex continue \
        --args "$emu" --machine "$tmp/machine" -- "$tmp/twice" \
        >"$tmp/gdb.log" 2>&1
    if grep -q '#1 .* in main ()' "$tmp/gdb.log" &&
        grep -q 'Value returned is .* = 42' "$tmp/gdb.log" &&
        grep -q 'exited normally' "$tmp/gdb.log"; then
        echo "ok sgxemu programs: gdb"
    else
        cat "$tmp/gdb.log"
        echo "not ok sgxemu programs: gdb"
    fi
else
    echo "ok sgxemu programs: gdb # SKIP not installed"
fi
if command -v redis-server >/dev/null; then
    "$emu" --machine "$tmp/machine" -- redis-server --port 7971 --save "" \
        >"$tmp/redis.log" 2>&1 &
    sleep 1
    n=$(redis-benchmark -p 7971 -n 5000 -q -t set,get,lpush 2>/dev/null |
        tr '\r' '\n' | grep -c 'requests per second')
    redis-cli -p 7971 shutdown nosave >/dev/null 2>&1
    wait $!
    if [ "$n" -eq 3 ]; then
        echo "ok sgxemu programs: redis"
    else
        cat "$tmp/redis.log"
        echo "not ok sgxemu programs: redis"
    fi
else
    echo "ok sgxemu programs: redis # SKIP not installed"
fi

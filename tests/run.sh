#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs test programs and counts what they print. A test program prints, one
# line each: "ok NAME", "not ok NAME" (the reason on the lines before it) or
# "ok NAME # SKIP reason". One that exits non-zero without a "not ok", that
# prints nothing, or that outlives its time, is itself a failure.
#
# usage: tests/run.sh PROGRAM...   (TEST_TIMEOUT seconds each, default 600)
set -u
passed=0 failed=0 skipped=0
out=$(mktemp)
# What runs leave for each other (kernel/mm/stock.h) begins and ends with the
# tests: none depends on what this user has run before.
cache=$(mktemp -d)
export XDG_CACHE_HOME=$cache
trap 'rm -rf "$out" "$cache"' EXIT

for program in "$@"; do
    timeout -k 10 "${TEST_TIMEOUT:-600}" "$program" >"$out" 2>&1 </dev/null
    status=$?
    ok=$(grep -c '^ok ' "$out")
    bad=$(grep -c '^not ok ' "$out")
    skip=$(grep -c '^ok .*# SKIP' "$out")
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "not ok $program: exit status $status" >>"$out"
        bad=$((bad + 1))
    elif [ $((ok + bad)) -eq 0 ]; then
        echo "not ok $program: printed no test" >>"$out"
        bad=$((bad + 1))
    fi
    passed=$((passed + ok - skip))
    failed=$((failed + bad))
    skipped=$((skipped + skip))
    if [ "$bad" -ne 0 ]; then
        echo "--- $program: $bad failed"
        tail -n 200 "$out"
    else
        echo "--- $program: $((ok - skip)) passed, $skip skipped"
        grep '^ok .*# SKIP' "$out"
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

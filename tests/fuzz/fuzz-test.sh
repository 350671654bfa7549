#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs each fuzz target over its kept corpus and, from there, over as many
# new inputs as a short time takes: a fixed seed and number of runs here,
# FUZZ_SECONDS of each with `make fuzz`.
dir=${FUZZ_DIR:-build/fuzz}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "${FUZZ_SECONDS:-}" ]; then
    amount=(-max_total_time="$FUZZ_SECONDS")
else
    amount=(-runs=20000 -max_total_time=4 -seed=1)
fi

for corpus in tests/fuzz/corpus/*/; do
    name=$(basename "$corpus")
    mkdir "$work/$name" "$work/$name.found"
    if timeout -k 5 $((${FUZZ_SECONDS:-0} + 120)) "$dir/$name" \
        "${amount[@]}" -timeout=30 -rss_limit_mb=1024 -verbosity=0 \
        -artifact_prefix="$work/$name.found/" "$work/$name" "$corpus" \
        >"$work/log" 2>&1; then
        echo "ok fuzz $name"
    else
        grep -v '^enclos: ' "$work/log" | tail -n 40
        mkdir -p "$dir/found"
        cp "$work/$name.found/"* "$dir/found/" 2>/dev/null
        echo "not ok fuzz $name"
    fi
done

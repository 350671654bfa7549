# SPDX-License-Identifier: MIT
# What the CLI tests share. Each test is a function; `check NAME CONDITION...`
# prints the line that tests/run.sh counts.
enclos=${ENCLOS:-build/bin/enclos}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache
mkdir -p "$XDG_CACHE_HOME"

# check NAME COMMAND...: passes when the command succeeds.
check() {
    local name=$1
    shift
    if "$@"; then
        echo "ok cli $name"
    else
        echo "failed: $*"
        [ -f "$work/out" ] && sed 's/^/  out: /' "$work/out" | head -n 20
        [ -f "$work/err" ] && sed 's/^/  err: /' "$work/err" | head -n 20
        echo "not ok cli $name"
    fi
}

# run ARG...: enclos run; output in $work/out and $work/err, status in $status.
run() {
    timeout -k 5 60 "$enclos" run "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

# ours ARG...: any subcommand.
ours() {
    timeout -k 5 60 "$enclos" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

# Two nothings, of tools that failed, neither are the same nor differ.
same() { [ -n "$1" ] && [ "$1" = "$2" ]; }
differ() { [ -n "$1" ] && [ -n "$2" ] && [ "$1" != "$2" ]; }
out_is() { [ "$(cat "$work/out")" = "$1" ]; }
err_has() { grep -q -- "$1" "$work/err"; }
status_is() { [ "$status" = "$1" ]; }
both() { # both "cmd1 args" "cmd2 args"
    local c
    for c in "$@"; do
        eval "$c" || return 1
    done
}

#!/bin/bash
# SPDX-License-Identifier: MIT
# Policies: what they decide, and what is said of those with mistakes.
. tests/cli/bundle-lib.sh

# with JSON: a bundle of hello under that policy, and what it prints.
with() {
    printf '%s\n' "$1" >"$work/p.json"
    shift
    pack "$work/hello" --policy "$work/p.json"
    [ "$status" = 0 ] && run "$work/app.enc" "$@"
}
printed() { grep -qx -- "$1" "$work/out"; }

with '{"entry": {"args": ["a", "b c"], "default_args": ["d"], "cwd": "/etc",
    "uid": 1000, "gid": 100, "umask": "027", "hostname": "box"},
    // comments, and a comma at the end
    "env": {"set": {"X": "one = two"}}, /* of both kinds */
    "limits": {"nofile": [100, "4K"]},
    "mounts": [{"type": "tmpfs", "target": "/scratch/a", "size": "64K",
                "mode": "0700", "options": ["nosuid"]}],
}'
check args printed 'a b c d'
check env printed 'X=one = two Y=-'
check ids printed 'uid 1000 gid 100 umask 027 cwd /etc host box'
check limits printed 'nofile 100 4096'
check mount printed 'scratch 64K'

with '{"entry": {"args": ["a"], "default_args": ["d"]},
       "insecure": ["host-args"]}' x y
check host-args printed 'a x y'
run "$work/app.enc"
check default-args printed 'a d'
export X=outside Y=outside
with '{"env": {"set": {"X": "in"}, "pass": ["X", "Z"]},
       "insecure": ["host-env"]}'
check env-pass printed 'X=outside Y=-'
run --env X=said "$work/app.enc"
check env-said printed 'X=said Y=-'
unset X Y
with '{"insecure": ["strace"]}'
run --strace "$work/app.enc"
check strace both 'status_is 3' 'err_has newfstatat'
with '{"insecure": ["no-isolation"]}'
check no-isolation printed 'X=- Y=-'
mkdir "$work/data" && echo content >"$work/data/file"
mkdir -p "$work/tree/bin" && cp /bin/busybox "$work/tree/bin/"
printf '{"entry": {"program": "/bin/busybox", "args": ["cat", "/d/e/file"]},
    "mounts": [{"type": "hostfs", "source": "%s", "target": "/d/e"}],
    "insecure": ["hostfs"]}' "$work/data" >"$work/p.json"
pack "$work/tree" --policy "$work/p.json"
run "$work/app.enc"
check hostfs out_is content
printf '{"entry": {"program": "/bin/busybox", "args": ["touch", "/d/e/new"]},
    "mounts": [{"type": "hostfs", "source": "%s", "target": "/d/e"}],
    "insecure": ["hostfs"]}' "$work/data" >"$work/ro.json"
pack "$work/tree" --policy "$work/ro.json"
run "$work/app.enc"
check hostfs-read-only both 'status_is 1' 'err_has Read-only'
sed 's/"hostfs", "s/"hostfs", "options": ["rw", "nosuid"], "s/' \
    "$work/ro.json" >"$work/rw.json"
pack "$work/tree" --policy "$work/rw.json"
run "$work/app.enc"
check hostfs-writable both 'status_is 0' '[ -e "$work/data/new" ]'
ours inspect "$work/app.enc"
check hostfs-inspect both 'status_is 0' \
    'grep -qF "\"options\": [\"rw\", \"nosuid\"]" "$work/out"'
pack "$work/tree" --policy "$work/p.json"
rm -r "$work/data"
run "$work/app.enc"
check hostfs-absent both 'status_is 125' 'err_has /data'

# ---- mistakes: the line, what is wrong, what is right ----

# wrong NAME PATTERN JSON
wrong() {
    local pattern=$2
    printf '%s\n' "$3" >"$work/p.json"
    pack "$work/hello" --policy "$work/p.json"
    check "$1" both 'status_is 125' 'err_has "$pattern"' '[ ! -e "$work/app.enc" ]'
}
wrong unknown-key 'p.json:3: unknown key "memroy".*"memory"' '{
    "vcpus": 1,
    "memroy": "1G"}'
wrong unknown-inner-key 'p.json:1: unknown key "arg".*"args"' \
    '{"entry": {"arg": []}}'
wrong unknown-limit 'unknown limit "nofiles".*"nofile"' \
    '{"limits": {"nofiles": 1}}'
wrong twice 'stands here twice' '{"vcpus": 1, "vcpus": 2}'
wrong no-json 'p.json:2: ' '{"vcpus": 1
    "memory": 2}'
wrong open-string 'closing quote' '{"vcpus'
wrong open-comment 'no end' '/* {}'
wrong deep 'too deep' "$(printf '[%.0s' {1..100})"
wrong rest 'nothing may follow' '{} {}'
wrong vcpus-0 'from 1 to 64' '{"vcpus": 0}'
wrong vcpus-text 'from 1 to 64' '{"vcpus": "4"}'
wrong small-memory 'at least "8M"' '{"memory": "1M"}'
wrong relative 'absolute path' '{"entry": {"program": "bin/sh"}}'
wrong no-argv0 'argv\[0\]' '{"entry": {"args": []}}'
wrong octal 'octal' '{"entry": {"umask": "8"}}'
wrong rule 'PROTOCOL' '{"net": {"connect": ["tcp:example.org:80"]}}'
wrong rule-port 'PROTOCOL' '{"net": {"listen": ["tcp:70000"]}}'
wrong env-name 'name' '{"env": {"set": {"A=B": "c"}}}'
wrong pass-unadmitted 'host-env' '{"env": {"pass": ["X"]}}'
wrong hostfs-unadmitted 'hostfs' \
    '{"mounts": [{"type": "hostfs", "source": "/", "target": "/h"}]}'
wrong mount-both '"rw"' '{"mounts": [{"type": "hostfs", "source": "/",
    "target": "/h", "options": ["ro", "rw"]}], "insecure": ["hostfs"]}'
wrong mount-tmpfs-rw '"rw"' '{"mounts": [{"type": "tmpfs", "target": "/h",
    "options": ["rw"]}]}'
wrong mount-type 'tmpfs' '{"mounts": [{"type": "ext4", "target": "/h"}]}'
wrong sgx1-memory 'memory' '{"enclave": {"class": "sgx1"}}'
wrong insecure-word 'host-args' '{"insecure": ["everything"]}'
wrong isolation 'not supported yet' '{"isolation": "keys"}'
wrong soft-above-hard 'below the hard' '{"limits": {"nofile": [5, 4]}}'
wrong long '64 KiB' "{\"env\": {\"set\": {\"X\": \"$(printf '%070000d' 1)\"}}}"
# The program has to be in the image; links lead to where they lead.
mkdir -p "$work/tree/sbin" "$work/tree/etc"
echo text >"$work/tree/etc/text"
ln -s /etc/../bin "$work/tree/usr"
ln -s ../usr/./busybox "$work/tree/sbin/applet"
ln -s /nowhere "$work/tree/sbin/dangling"
ln -s loop "$work/tree/sbin/loop"
# absent NAME PATTERN PATH
absent() {
    local pattern="entry.program: $3 .*$2"
    printf '{"entry": {"program": "%s"}}\n' "$3" >"$work/p.json"
    pack "$work/tree" --policy "$work/p.json"
    check "program-$1" both 'status_is 125' 'err_has "$pattern"' \
        '[ ! -e "$work/app.enc" ]'
}
absent misspelt 'No such file' /bin/busyboks
absent behind-a-file 'Not a directory' /bin/busybox/x
absent dangling 'No such file' /sbin/dangling
absent loop 'symbolic links' /sbin/loop
absent directory 'executed' /sbin
absent text 'executed' /etc/text
printf '{"entry": {"program": "/sbin/../sbin/applet", "args": ["echo", "hi"]}}' \
    >"$work/p.json"
pack "$work/tree" --policy "$work/p.json"
run "$work/app.enc"
check program-by-links out_is hi
printf '{"entry": {"program": "/d/run"}, "mounts": [{"type": "tmpfs",
    "target": "/d"}]}' >"$work/p.json"
pack "$work/tree" --policy "$work/p.json"
check program-in-a-mount status_is 0
pack "$work/hello" --policy /no/such.json
check no-policy both 'status_is 125' 'err_has /no/such.json'

# ---- init, and what inspect prints, are policies ----

ours init /bin/hello -o "$work/init.json"
check init both 'status_is 0' 'grep -q "// " "$work/init.json"'
ours init -o "$work/any.json"
pack "$work/hello" --policy "$work/any.json"
run "$work/app.enc"
check init-of-any-program both 'status_is 3' 'grep -qx hello "$work/out"'
ours init -o "$work/init.json"
check init-keeps both 'status_is 125' 'err_has init.json'
sed 's|"/bin/hello"|"'"$work/hello"'"|' "$work/init.json" >"$work/p.json"
pack "$work/hello" --policy "$work/p.json"
cp "$work/app.enc" "$work/init.enc"
pack "$work/hello"
check init-is-the-default cmp "$work/app.enc" "$work/init.enc"

with '{"entry": {"umask": "0"}, "env": {"set": {"A": "\u00e9\n\"\\"}},
    "net": {"listen": ["tcp:80", "udp:[fd00::1]/8:1-2"],
            "connect": ["tcp:10.1.2.3/8:*", "udp:*:53"]},
    "mounts": [{"type": "tmpfs", "target": "/a", "options": ["ro"]}],
    "limits": {"stack": "8M", "cpu": "unlimited"}, "memory": "256M",
    "enclave": {"class": "sgx1", "product_id": 7, "svn": 9, "vector": "avx"}}'
ours inspect --json "$work/app.enc"
python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))["policy"]
del p["image"]
json.dump(p, open(sys.argv[2], "w"))' "$work/out" "$work/p.json"
cp "$work/app.enc" "$work/first.enc"
pack "$work/hello" --policy "$work/p.json"
check inspect-is-a-policy cmp "$work/app.enc" "$work/first.enc"

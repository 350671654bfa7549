#!/bin/bash
# SPDX-License-Identifier: MIT
# Bundles: built from a program, run, measured, damaged, packaged.
. tests/cli/bundle-lib.sh

pack "$work/hello"
check build both 'status_is 0' 'grep -q "^mrenclave: [0-9a-f]\{64\}$" "$work/out"'
cp "$work/app.enc" "$work/good.enc"
run "$work/good.enc"
check run both 'status_is 3' 'grep -qx hello "$work/out"' \
    'err_has "NOT CONFIDENTIAL"'
run "$work/good.enc" argument
check args-refused both 'status_is 125' 'err_has host-args' '[ ! -s "$work/out" ]'
X=1 run "$work/good.enc"
check env-refused grep -qx 'X=- Y=-' "$work/out"
run --strace "$work/good.enc"
check strace-refused both 'status_is 125' 'err_has strace'
for o in --root=host --cwd=/ --cpus=1 --memory=64M; do
    run "$o" "$work/good.enc"
    check "policy-decides${o%=*}" both 'status_is 125' 'err_has "${o%=*}"'
done

# ---- measuring ----

check measured same "$(mrenclave "$work/good.enc")" \
    "$(sed -n 's/^mrenclave: //p' <"$work/out"; "$enclos" inspect --json \
        "$work/good.enc" | python3 -c 'import json, sys
print(json.load(sys.stdin)["bundle"]["mrenclave"])')"
check independent same "$(python3 tests/cli/mrenclave.py "$work/good.enc")" \
    "$(measurement "$work/good.enc")"
ours measure --json "$work/good.enc"
check measure-json python3 -c 'import json, sys
assert set(json.load(open(sys.argv[1]))) == {
    "mrenclave", "root_hash", "policy_hash"}' "$work/out"
ours measure --pages "$work/good.enc"
check measure-pages grep -q '^00003fff00000000 0201 measured ' "$work/out"

pack "$work/hello"
check same-input-same-bytes cmp "$work/app.enc" "$work/good.enc"
cp -p "$work/hello" "$work/hello.orig"
printf x >>"$work/hello"
pack "$work/hello"
check other-byte-other-measurement differ "$(mrenclave "$work/app.enc")" \
    "$(mrenclave "$work/good.enc")"
cp -p "$work/hello.orig" "$work/hello"
for class in edmm sgx1; do
    for n in 1 3; do
        echo '{"vcpus": '$n', "memory": "512M",
               "enclave": {"class": "'$class'"}}' >"$work/p.json"
        pack "$work/hello" --policy "$work/p.json"
        check "independent-$class-$n" same \
            "$(python3 tests/cli/mrenclave.py "$work/app.enc")" \
            "$(measurement "$work/app.enc")"
        mrenclave "$work/app.enc" >>"$work/all"
    done
done
check class-and-vcpus-count same "$(sort -u "$work/all" | wc -l)" 4

# ---- damage ----

at() { "$enclos" inspect --json "$work/good.enc" | python3 -c 'import json, sys
print(json.load(sys.stdin)["bundle"][sys.argv[1]]["at"])' "$1"; }
for part in 9 100 "$(($(at kernel) + 20))" "$(($(at policy) + 300))" \
    "$(($(at image) + 1030))"; do
    cp "$work/good.enc" "$work/bad.enc"
    flip_bit "$work/bad.enc" "$part"
    ours measure "$work/bad.enc"
    check "damage-measured-$part" both 'status_is 125' '[ -s "$work/err" ]' \
        '[ ! -s "$work/out" ]'
    ours package "$work/bad.enc" -o "$work/bad"
    check "damage-packaged-$part" both 'status_is 125' '[ ! -e "$work/bad" ]'
done
cp "$work/good.enc" "$work/bad.enc"
flip_bit "$work/bad.enc" "$(($(at policy) + 300))"
run "$work/bad.enc"
check damaged-policy-does-not-run both 'status_is 125' 'err_has policy'
cp "$work/good.enc" "$work/bad.enc"
flip_bit "$work/bad.enc" "$(($(at image) + 1030))"
run "$work/bad.enc"
check damaged-image-does-not-run both 'status_is 125' '[ -s "$work/err" ]'
head -c 30000 "$work/good.enc" >"$work/bad.enc"
run "$work/bad.enc"
check truncated both 'status_is 125' 'err_has complete'
ours measure "$work/hello"
check no-bundle both 'status_is 125' 'err_has "enclos build"'
ours measure /no/such.enc
check no-file both 'status_is 125' 'err_has /no/such.enc'

# ---- packages ----

ours package "$work/good.enc" -o "$work/app"
check package status_is 0
check package-measures-the-same same "$(measurement "$work/app")" \
    "$(measurement "$work/good.enc")"
mkdir "$work/elsewhere" && mv "$work/app" "$work/elsewhere/renamed"
(cd "$work/elsewhere" && timeout 60 ./renamed >"$work/out" 2>"$work/err" \
    </dev/null)
status=$?
check package-runs both 'status_is 3' 'grep -qx hello "$work/out"'
timeout 60 "$work/elsewhere/renamed" --help >"$work/out" 2>"$work/err"
status=$?
check package-args-refused both 'status_is 125' 'err_has host-args'
echo '{"insecure": ["host-args"]}' >"$work/p.json"
pack "$work/hello" --policy "$work/p.json"
ours package "$work/app.enc" -o "$work/app"
timeout 60 "$work/app" --help -x >"$work/out" 2>"$work/err" </dev/null
status=$?
check package-args both 'status_is 3' 'grep -qx "hello --help -x" "$work/out"'
run "$work/app" a b
check package-by-run both 'status_is 3' 'grep -qx "hello a b" "$work/out"'

# ---- the enclave's own kernel: EINIT compares with the signature ----

ours build "$work/hello" -o "$work/sgx.enc"
check sgx-build status_is 0
check sgx-independent same "$(python3 tests/cli/mrenclave.py "$work/sgx.enc")" \
    "$(measurement "$work/sgx.enc")"
run --target sgx-emu "$work/sgx.enc"
check sgx-unsigned both 'status_is 125' 'err_has "not signed"'
"$enclos" keygen "$work/key.pem"
ours sign "$work/sgx.enc" --key "$work/key.pem"
run --target sgx-emu "$work/sgx.enc"
check sgx-measured-as-loaded both 'status_is 3' 'grep -qx hello "$work/out"' \
    'err_has EMULATED'
flip_bit "$work/sgx.enc" $((8192 + 0x8d800))
run --target sgx-emu "$work/sgx.enc"
check sgx-other-kernel both 'status_is 125' '[ ! -s "$work/out" ]'

# ---- sources and errors ----

mkdir -p "$work/tree/bin"
cp /bin/busybox "$work/tree/bin/busybox"
echo '{"entry": {"program": "/bin/busybox", "args": ["echo", "in a tree"]}}' \
    >"$work/p.json"
pack "$work/tree" --policy "$work/p.json"
run "$work/app.enc"
check from-directory out_is "in a tree"
tar -C "$work/tree" -cf "$work/tree.tar" .
pack "$work/tree.tar" --policy "$work/p.json"
run "$work/app.enc"
check from-tar out_is "in a tree"
pack "$work/tree"
check no-entry both 'status_is 125' 'err_has "program"'
ours build "$work/hello" --kernel /no/such.elf -o "$work/x.enc"
check no-kernel both 'status_is 125' 'err_has /no/such.elf' '[ ! -e "$work/x.enc" ]'
ours build "$work/hello" --kernel /bin/busybox -o "$work/x.enc"
check not-a-kernel both 'status_is 125' '[ ! -e "$work/x.enc" ]'
pack "$work/tree" "$work/hello"
check two-sources both 'status_is 125' 'err_has "left over"'

# What is there and no file stays what it is, and so does a source.
mkfifo "$work/fifo"
ours build "$work/hello" -o "$work/fifo"
check output-is-no-file both 'status_is 125' 'err_has regular' '[ -p "$work/fifo" ]'
ours package "$work/good.enc" -o "$work/fifo"
check package-is-no-file both 'status_is 125' '[ -p "$work/fifo" ]'
ours build "$work/fifo" -o "$work/x.enc"
check source-is-no-file both 'status_is 125' 'err_has neither'
cp "$work/good.enc" "$work/same.enc"
ours package "$work/same.enc" -o "$work/same.enc"
check package-of-itself both 'status_is 125' 'err_has source' \
    'cmp "$work/same.enc" "$work/good.enc"'
ours build "$work/hello" -o "$work/x.img"
check image-of-a-program both 'status_is 125' 'err_has enc' '[ ! -e "$work/x.img" ]'
ours measure "$work/tree"
check bundle-is-a-directory both 'status_is 125' 'err_has "Is a directory"'
head -c 100 "$work/good.enc" >"$work/bad.enc"
ours inspect "$work/bad.enc"
check truncated-in-its-header both 'status_is 125' 'err_has complete'
for program in /no/such.enc no-such-program "$work/bad.enc"; do
    ours gdb --batch "$program"
    check "gdb-${program##*/}" both '[ "$status" -ge 125 ]' \
        'err_has "${program##*/}"' '[ ! -s "$work/out" ]'
done
ours gdb --cpu 1 "$work/hello"
check gdb-unknown-option both 'status_is 125' 'err_has "did you mean"'

for cmd in run init build measure inspect keygen sign package; do
    ours "$cmd" --help
    check "help-$cmd" both 'status_is 0' 'grep -q "enclos $cmd" "$work/out"'
done

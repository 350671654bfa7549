#!/bin/bash
# SPDX-License-Identifier: MIT
# Keys and signatures, checked with nothing but OpenSSL (docs/IMAGE.md).
. tests/cli/bundle-lib.sh

pack "$work/hello"
app=$work/app.enc
ours keygen "$work/key.pem"
check keygen both 'status_is 0' '[ "$(stat -c %a "$work/key.pem")" = 600 ]'
ours keygen "$work/key.pem"
check keygen-keeps both 'status_is 125' 'err_has "never replaced"'
# Where nothing can be written nothing is left over: a try again works.
no_room() { (
    trap '' XFSZ
    ulimit -f 0
    exec "$enclos" "$@" 2>"$work/err"
); status=$?; }
no_room keygen "$work/new.pem"
check keygen-without-room both 'status_is 125' '[ ! -e "$work/new.pem" ]'
no_room init -o "$work/new.json"
check init-without-room both 'status_is 125' '[ ! -e "$work/new.json" ]'
no_room sign "$app" --data "$work/new.data"
check sign-without-room both 'status_is 125' '[ ! -e "$work/new.data" ]'
for words in "measure $app" "inspect $app" help version; do
    "$enclos" $words >/dev/full 2>"$work/err"
    status=$?
    check "lost-output-${words%% *}" both 'status_is 125' 'err_has "No space"'
done
check keygen-exponent grep -q 'Exponent: 3 ' \
    <(openssl rsa -in "$work/key.pem" -noout -text 2>/dev/null |
        sed 's/publicE/E/')

before=$(measurement "$app")
ours sign "$app" --key "$work/key.pem" --release
check sign status_is 0
check measurement-stays same "$before" "$(measurement "$app")"

field() { "$enclos" inspect --json "$app" | python3 -c 'import json, sys
print(json.load(sys.stdin)["sigstruct"][sys.argv[1]])' "$1"; }
check valid same "$(field valid)" True
check signs-the-measurement same "$(field mrenclave)" "$(mrenclave "$app")"

# ---- OpenSSL alone: these commands are in docs/IMAGE.md ----

by_openssl() (
    cd "$work" || exit
    dd if=app.enc of=sigstruct bs=16 skip=256 count=113 status=none
    (head -c 128 sigstruct; tail -c +901 sigstruct | head -c 128) >signed
    tail -c +517 sigstruct | head -c 384 | od -A n -v -t x1 -w1 | tac |
        tr -d ' \n' | sed 's/../\\x&/g' | xargs -0 printf >signature
    openssl rsa -in key.pem -pubout -out public.pem 2>/dev/null
    openssl dgst -sha256 -verify public.pem -signature signature signed
)
by_openssl >"$work/out" 2>&1
check openssl out_is "Verified OK"
modulus() { openssl rsa -in "$work/key.pem" -noout -modulus |
    sed 's/.*=//' | fold -w2 | tac | tr -d '\n' | sed 's/../\\x&/g' |
    xargs -0 printf; }
check mrsigner same "$(field mrsigner)" "$(modulus | sha256sum | cut -c1-64)"

flip_bit "$app" $((4096 + 130))
check wrong-modulus same "$(field valid)" False
flip_bit "$app" $((4096 + 130))
flip_bit "$app" $((4096 + 970))
check wrong-hash same "$(field valid)" False
flip_bit "$app" $((4096 + 970))
flip_bit "$app" $((4096 + 1100))
check wrong-quotient same "$(field valid)" False
flip_bit "$app" $((4096 + 1100))
check valid-again same "$(field valid)" True

# ---- two steps ----

cp "$app" "$work/one.enc"
ours sign "$work/one.enc" --key "$work/key.pem" --date 20260102
ours sign "$app" --data "$work/data" --date 20260102
check data both 'status_is 0' '[ "$(stat -c %s "$work/data")" = 256 ]'
openssl dgst -sha256 -sign "$work/key.pem" -out "$work/answer" "$work/data"
ours sign "$app" --signature "$work/answer" --key "$work/public.pem" \
    --date 20260102
check two-steps both 'status_is 0' 'cmp "$app" "$work/one.enc"'
ours sign "$app" --signature "$work/answer" --key "$work/public.pem" \
    --date 20260103
check answer-to-other-data both 'status_is 125' 'err_has "does not fit"'
ours sign "$app" --signature "$work/answer" --key "$work/public.pem"
check answer-without-date both 'status_is 125' 'err_has date'
for date in 20261301 20260230x 20260100 2026; do
    ours sign "$app" --data "$work/d" --date "$date"
    check "no-date-$date" both 'status_is 125' 'err_has YYYYMMDD' '[ ! -e "$work/d" ]'
done

# ---- refusals ----

openssl genrsa -out "$work/f4.pem" 3072 2>/dev/null
ours sign "$app" --key "$work/f4.pem"
check other-exponent both 'status_is 125' 'err_has "exponent 3"'
ours sign "$app" --key "$work/public.pem"
check public-key both 'status_is 125' 'err_has private'
ours sign "$app" --key /no/such.pem
check no-key both 'status_is 125' 'err_has /no/such.pem'
ours sign "$app"
check nothing-to-sign-with status_is 125
for word in host-args host-env hostfs debug strace; do
    echo '{"insecure": ["'$word'"]}' >"$work/p.json"
    pack "$work/hello" --policy "$work/p.json"
    ours sign "$app" --key "$work/key.pem" --release
    check "release-without-$word" both 'status_is 125' 'err_has "$word"'
done
ours sign "$app" --key "$work/key.pem"
check not-for-release status_is 0
cp "$app" "$work/bad.enc"
flip_bit "$work/bad.enc" 8300
ours sign "$work/bad.enc" --key "$work/key.pem"
check damaged both 'status_is 125' 'err_has kernel'

#!/bin/bash
# SPDX-License-Identifier: MIT
# Directories of the host that a program writes to (--mount SRC:DST): the same
# commands give the same output and leave the same tree as they do without
# Enclos, and each side sees what the other does.
. tests/cli/lib.sh

bb=/bin/busybox
cat >"$work/commands" <<'EOF'
cd "$1"
echo hi >f; echo more >>f; cat f; stat -c '%a %u %s %h' f
mkdir -p a/b/c; echo deep >a/b/c/x; mv a z; cat z/b/c/x
ln -s z/b l; cat l/c/x; readlink l; ln f g; stat -c %h f g
rm f; cat g; mv g z/; cat z/g
dd if=/dev/zero of=big bs=1M count=3 2>/dev/null; stat -c %s big
truncate -s 100 big; stat -c %s big
mkfifo p; (echo through >p) & cat p; wait
chmod 4640 z/g; chown 5:6 z/g; stat -c '%a %u %g' z/g
touch -d '2001-02-03 04:05:06' z/g; stat -c %Y z/g
exec 3<>open; rm open; echo unlinked >&3; stat -L -c '%h %s' /proc/self/fd/3
exec 3>&-
echo kept >o; exec 3<o; rm o; sleep 0.02; cat /proc/self/fd/3; cat <&3
echo two >o; exec 3<o; ln o p2; rm o; sleep 0.02
chmod 600 /proc/self/fd/3; cat <&3; stat -c '%a %h' p2; exec 3<&-
echo old >v; echo new >w; exec 3<>v; mv w v; sleep 0.02
chmod 611 /proc/self/fd/3; stat -L -c '%a %h' /proc/self/fd/3; exec 3>&-
mkdir gone; (cd gone; rmdir ../gone; chmod 711 .; stat -c '%a %h' .; ls -a)
rmdir z 2>/dev/null || echo not empty
mkdir d; echo q >d/q; (cd d; mv ../d ../e; echo r >r; ls); cat e/q e/r
umask 077; echo secret >s; mkdir t; stat -c '%a %n' s t
mv s e/q; cat e/q; ls
rm -r z/b; ls z
ln -s /etc evil; mkdir k; ln -s ../../outside k/up
mknod null c 1 3 2>/dev/null; rm -f null; tar -cf tree.tar e z; tar -tf tree.tar
EOF
listing() { (cd "$1" && find . -printf '%M %n %u %g %s %P %l\n' |
    sed '/^d/s/ [0-9]* / - /;/^d/s/ [0-9]* / - /2' | sort -k6); }

mkdir "$work/native" "$work/ours"
echo outside >"$work/outside"
mkdir -p "$work/root/bin" && cp /bin/busybox "$work/root/bin/"
cp "$work/commands" "${CLI_PROGRAMS:?}/mapped" "$CLI_PROGRAMS/moving" \
    "$CLI_PROGRAMS/attrs" "$CLI_PROGRAMS/locker" "$work/root/"
ours build "$work/root" -o "$work/root.img"
$bb sh "$work/commands" "$work/native" >"$work/expected" 2>&1
run --root "$work/root.img" --mount "$work/ours:/mnt/d" $bb sh /commands /mnt/d
check mount-commands both 'status_is 0' 'diff "$work/expected" "$work/out"'
check mount-tree diff <(listing "$work/native") <(listing "$work/ours")

# A tree with links that lead out of it shows nothing from there.
run --root "$work/root.img" --mount "$work/ours:/mnt/d" $bb cat /mnt/d/k/up
check mount-link-outside both 'status_is 1' 'err_has "No such file"'

# ---- mapped, shared and writable; attributes, lists and holes ----

for program in mapped attrs; do
    for target in linux sgx-emu; do
        rm -rf "$work/native" "$work/ours"
        mkdir "$work/native" "$work/ours"
        "$CLI_PROGRAMS/$program" "$work/native" >"$work/expected" 2>&1
        run --target $target --root "$work/root.img" \
            --mount "$work/ours:/mnt/d" /$program /mnt/d
        check "mount-$program $target" both 'status_is 0' \
            'diff "$work/expected" "$work/out"' \
            'diff -r "$work/native" "$work/ours"'
    done
done

# ---- a directory above moves ----

rm -rf "$work/ours" && mkdir "$work/ours"
run --root "$work/root.img" --mount "$work/ours:/mnt/d" /moving /mnt/d
check mount-moving both 'status_is 0' 'out_is "0 failed"'

# ---- both sides at once ----

rm -rf "$work/ours" && mkdir "$work/ours"
cat >"$work/root/inside" <<'EOF'
wait_for() { while [ ! -e "$1" ]; do sleep 0.02; done; }
cd /mnt/d
echo one >f; touch r1; wait_for g1; cat f new; ls
exec 3>>log; echo ours >&3; touch r0; wait_for g0; echo ours again >&3; cat log
touch r2; wait_for g2; cat f dir/a; [ -e new ] || echo gone
mv dir moved; touch r3; wait_for g3; ls moved; ls dir
EOF
wait_for() {
    for _ in $(seq 3000); do
        [ -e "$1" ] && return
        sleep 0.02
    done
}
outside() {
    cd "$work/ours" || return
    wait_for r1; cat f; echo two >f; echo new >new; touch g1
    wait_for r0; echo theirs >>log; touch g0
    wait_for r2; rm new; echo three >f.t; mv f.t f
    mkdir dir; echo a >dir/a; touch g2
    wait_for r3; cat moved/a; mkdir dir; echo b >dir/b; rm moved/a; touch g3
}
ours build "$work/root" -o "$work/root.img"
for target in linux sgx-emu; do
    rm -rf "$work/ours" && mkdir "$work/ours"
    outside >"$work/seen" 2>&1 &
    run --target $target --root "$work/root.img" --mount "$work/ours:/mnt/d" \
        $bb sh /inside
    wait $!
    check "mount-both-sides $target" both 'status_is 0' 'out_is "two
new
f
g1
new
r1
ours
theirs
ours again
three
a
gone
b"' '[ "$(cat "$work/seen")" = "one
a" ]'
done

# ---- locks, of each side against the other ----

# Whoever holds them, these say on the other side: SIDE's command is $1.
others() {
    until [ -e "$2.held" ]; do sleep 0.01; done
    rm "$2.held"
    for kind in posix ofd flock; do
        "$1" try $kind write "$2"
        "$1" try $kind read "$2"
    done
    "$1" try posix write "$2" 5 5
    "$1" try posix read "$2" 30 10
    touch "$2.done"
    "$1" hold "$3" write "$2" &
    until [ -e "$2.held" ]; do sleep 0.01; done
    rm "$2.held"
    touch "$2.done"
    wait
}
{
    declare -f others
    echo 'case $1 in hold) exec /locker "$@" ;; *) others /locker "$@" ;; esac'
} >"$work/root/locks"
ours build "$work/root" -o "$work/root.img"
expected() {
    case $1 in
    posix) echo "written 10+10 refused
written 10+10 refused
written 10+10 refused
written 10+10 refused
taken
taken
taken
taken
taken" ;;
    ofd) echo "read 10+10 refused
taken
read 10+10 refused
taken
taken
taken
taken
taken
taken" ;;
    flock) echo "taken
taken
taken
taken
refused
refused
taken
taken
taken" ;;
    esac
}
hold() {
    case $1 in
    posix) echo hold posix write "$2" 10 10 ;;
    ofd) echo hold ofd read "$2" 10 10 ;;
    flock) echo hold flock write "$2" ;;
    esac
}
for kind in posix ofd flock; do
    target=linux
    [ $kind = ofd ] && target=sgx-emu
    rm -rf "$work/ours" && mkdir "$work/ours"
    # shellcheck disable=SC2046
    "$CLI_PROGRAMS/locker" $(hold $kind "$work/ours/f") >/dev/null &
    run --target $target --root "$work/root.img" --mount "$work/ours:/mnt/d" \
        $bb sh /locks /mnt/d/f $kind
    wait $!
    check "mount-locks-theirs $kind" out_is "$(expected $kind)"
    others "$CLI_PROGRAMS/locker" "$work/ours/f" $kind >"$work/seen" 2>&1 &
    # shellcheck disable=SC2046
    run --target $target --root "$work/root.img" --mount "$work/ours:/mnt/d" \
        $bb sh /locks $(hold $kind /mnt/d/f)
    wait $!
    check "mount-locks-ours $kind" \
        [ "$(cat "$work/seen")" = "$(expected $kind)" ]
done

# ---- refusals ----

run --root "$work/root.img" --mount "$work/ours:/mnt/d:rw" $bb true
check mount-option both 'status_is 125' 'err_has "SRC:DST"'
run --root "$work/root.img" --mount "$work/ours:relative" $bb true
check mount-relative both 'status_is 125' 'err_has "SRC:DST"'

#!/bin/bash
# SPDX-License-Identifier: MIT
# What a run leaves for the next one of the same image: it is used while the
# image is the same, and whatever is wrong with it, runs go on without it.
. tests/cli/lib.sh
unset ENCLOS_NO_CACHE

kept=$XDG_CACHE_HOME/enclos
bb=/bin/busybox
mkdir -p "$work/root/bin" "$work/root/kept"
cp /bin/busybox "$work/root/bin/"
seq 200000 >"$work/root/numbers"
sum=$(md5sum <"$work/root/numbers")
ours build "$work/root" -o "$work/root.img"
ulimit -f unlimited

# Read, mapped, executed: bytes from the host in $bytes.
count() {
    run --root "$work/root.img" --stats "$@" $bb sh -c \
        'md5sum </numbers; busybox true && echo well'
    bytes=$(awk '/bytes from the host/ { print $1 }' "$work/err")
    used=$(awk '/earlier runs/ { print $1 }' "$work/err")
}
is_right() { [ "$status" = 0 ] && [ "$(cat "$work/out")" = "$sum
well" ]; }
is_first() { is_right && [ "$bytes" -gt 1000000 ] && [ "$used" = 0 ]; }
is_second() { is_right && [ "$bytes" -lt 500000 ] && [ "$used" -gt 1000 ]; }
file() { echo "$kept"/stock-*.pages; }
one_file() { [ "$(ls "$kept" | grep -c '^stock-')" = 1 ]; }
one_whole() { [ "$(ls "$kept" | grep -c '^stock-.*pages$')" = 1 ]; }
mode() { stat -c %a "$(file)"; }

count
check stock-first both is_first one_file '[ "$(mode)" = 600 ]'
count
check stock-second both is_second one_file
count --no-cache
check stock-option is_first
ENCLOS_NO_CACHE=1 count
check stock-variable is_first
count --ring pool
check stock-pool is_second
count --no-isolation
check stock-no-isolation is_second
count --memory 64M
check stock-under-a-ceiling is_first
for swap in move copy; do
    count --swap $swap
    check stock-swap-$swap is_second
done

# spoil NAME COMMAND: what COMMAND makes of the file is not used, and replaced.
spoil() {
    local name=$1
    shift
    "$@"
    count
    check "stock-$name" is_first
    count
    check "stock-$name-replaced" both is_second one_file
}
truncate_it() { truncate -s 8192 "$(file)"; }
empty_it() { : >"$(file)"; }
shorten_it() { truncate -s -4096 "$(file)"; }
other_key() { printf x | dd of="$(file)" bs=1 seek=100 conv=notrunc status=none; }
other_index() {
    printf x | dd of="$(file)" bs=1 seek=4200 conv=notrunc status=none
}
open_it() { chmod 666 "$(file)"; }
link_it() { mv "$(file)" "$work/elsewhere" && ln -s "$work/elsewhere" "$(file)x" &&
    mv "$(file)" "$linked"; }
linked=$(file)
pipe_it() { rm "$linked" && mkfifo "$linked"; }
touch_image() { touch "$work/root.img"; }
spoil truncated truncate_it
spoil empty empty_it
spoil shorter shorten_it
spoil other-key other_key
spoil other-index other_index
spoil open-to-all open_it
spoil pipe pipe_it
rm -f "$linked" && cp /dev/null "$work/elsewhere" &&
    ln -s "$work/elsewhere" "$linked"
count
check stock-link both is_first '[ ! -L "$linked" ]'
spoil image-touched touch_image
if [ "$(id -u)" = 0 ]; then
    chown 1 "$linked"
    count
    check stock-anothers both is_first '[ "$(stat -c %u "$linked")" = 0 ]'
    chown 1 "$kept"
    count
    check stock-in-anothers-directory is_first
    chown 0 "$kept"
else
    echo "ok cli stock-anothers # SKIP not root"
fi
chmod 777 "$kept"
count
check stock-in-an-open-directory is_first
chmod 700 "$kept"

# A byte of the image changed: as if nothing had ever been left.
cp "$work/root.img" "$work/good.img"
at=$(grep -abo 199998 "$work/root.img" | head -n 1 | cut -d: -f1)
printf X | dd of="$work/root.img" bs=1 seek="$at" conv=notrunc status=none
touch -r "$work/good.img" "$work/root.img"
count
check stock-image-changed both '! is_right' 'err_has "does not match the root hash"'
cat "$work/good.img" >"$work/root.img"
count
check stock-image-mended is_first

# Two at once leave one whole file; a directory that cannot be made is none.
rm -f "$kept"/stock-*
for i in 1 2 3; do
    timeout 60 "$enclos" run --root "$work/root.img" $bb md5sum /numbers \
        >"$work/par.$i" 2>/dev/null </dev/null &
done
wait
check stock-at-once both one_file \
    '[ "$(sort -u "$work"/par.? | wc -l)" = 1 ]'
count
count
check stock-after-them is_second
XDG_CACHE_HOME=/dev/null/none count
check stock-without-directory is_first
HOME= XDG_CACHE_HOME= count
check stock-without-home is_first
(
    ulimit -f 100
    XDG_CACHE_HOME=$work/limited count
    check stock-under-ulimit is_first
)
check stock-nothing-half-done both '[ -z "$(ls "$kept" | grep tmp)" ]'

# What a run that was killed has left is in nobody's way, in a container neither,
# where each has the same number.
rm "$linked"
(
    : >"$linked.$BASHPID.tmp"
    exec "$enclos" run --root "$work/root.img" $bb true 2>/dev/null </dev/null
)
check stock-after-a-killed-one one_whole
rm -f "$kept"/*.tmp

# Cut while it is in use: the run ends, and says why.
count
mkfifo "$work/go"
: >"$work/out"
timeout 60 "$enclos" run --root "$work/root.img" $bb sh -c \
    'echo there; read line; read line </numbers; echo "$line"' \
    <"$work/go" >"$work/out" 2>"$work/err" &
exec 3>"$work/go"
until [ -s "$work/out" ]; do sleep 0.02; done
truncate -s 4096 "$(file)"
echo go >&3
exec 3>&-
wait $!
status=$?
check stock-cut-in-use both '[ $status = 125 ]' 'out_is there' \
    'err_has "was cut while it is in use"'
rm -f "$kept"/stock-*

# Nobody runs on while it is written.
mkdir -p -m 700 "$kept"
run --root "$work/root.img" --mount "$kept:/kept" $bb sh -c \
    'while :; do
         for f in /kept/*.tmp; do [ "$f" = "/kept/*.tmp" ] || { echo seen; exit; }; done
     done & md5sum </numbers'
check stock-nobody-sees-it-come both '[ "$status" = 0 ]' 'out_is "$sum"' one_file
rm -f "$kept"/stock-*

# Nothing is made in a directory of somebody else, nor under too long a name.
if [ "$(id -u)" = 0 ]; then
    mkdir "$work/home"
    chown 1 "$work/home"
    HOME=$work/home XDG_CACHE_HOME= count
    check stock-in-anothers-home both is_first '[ -z "$(ls -A "$work/home")" ]'
    chown 0 "$work/home"
    HOME=$work/home XDG_CACHE_HOME= count
    check stock-in-own-home both is_first '[ -n "$(ls "$work/home/.cache/enclos")" ]'
else
    echo "ok cli stock-in-anothers-home # SKIP not root"
fi
XDG_CACHE_HOME=/$(printf %05000d 0) count
check stock-under-a-long-name is_first

# An image with something behind a file's end in its last block, next to what a
# run reads of the directories: mappings do not show it, the second run's neither.
mkdir -p "$work/odd/bin" "$work/tools"
cp /bin/busybox "$CLI_PROGRAMS/tail" "$work/odd/bin/"
printf '%04090d' 0 | tr 0 z >"$work/odd/0"
cat >"$work/tools/mkfs.erofs" <<END
#!/bin/bash
$(command -v mkfs.erofs) "\$@" || exit
for image; do [ ! -f "\$image" ] || break; done
at=\$(grep -abo zzzzzzzzzzzzzzzz "\$image" | head -n 1 | cut -d: -f1)
printf odd | dd of="\$image" bs=1 seek=\$((at + 4090)) conv=notrunc status=none
END
chmod +x "$work/tools/mkfs.erofs"
PATH=$work/tools:$PATH ours build "$work/odd" -o "$work/odd.img"
check stock-odd-image grep -q zzzodd "$work/odd.img"
run --root "$work/odd.img" $bb true
run --root "$work/odd.img" /bin/tail /0
check stock-odd-tail both "out_is nothing" one_file
rm -f "$kept"/stock-*

# A bundle's image is one as well.
ours build "$CLI_PROGRAMS/hello" --kernel "$CLI_PROGRAMS/stub-kernel.elf" \
    -o "$work/hello.enc"
for i in first second; do
    run "$work/hello.enc"
    check stock-bundle-$i both '[ "$(head -n 1 "$work/out")" = hello ]' \
        one_file
done

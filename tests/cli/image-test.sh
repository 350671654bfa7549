#!/bin/bash
# SPDX-License-Identifier: MIT
# Images: reproducible, accepted by veritysetup, and never wrong data when a
# bit is flipped.
. tests/cli/lib.sh

bb=/bin/busybox
mkdir -p "$work/root/bin" "$work/root/data/deep/er"
cp /bin/busybox "$work/root/bin/"
head -c 500000 /dev/urandom >"$work/root/data/random"
for i in $(seq 1 300); do
    echo "file $i" >"$work/root/data/deep/f$i"
done
ln -s ../random "$work/root/data/deep/link"
ln "$work/root/data/deep/f1" "$work/root/data/deep/er/hard"
find "$work/root" -exec touch -h -d '2024-01-02 03:04:05.678' {} +
sum=$(md5sum <"$work/root/data/random" | cut -d' ' -f1)

ours build "$work/root" -o "$work/a.img"
root=$(cut -d' ' -f3 "$work/out")
cp -a "$work/root" "$work/copy"
ours build "$work/copy" -o "$work/b.img"
check reproducible cmp "$work/a.img" "$work/b.img"
# pax: the older formats cut times to seconds.
tar -C "$work/root" --format=pax -cf "$work/root.tar" .
ours build "$work/root.tar" -o "$work/c.img"
check from-tar cmp "$work/a.img" "$work/c.img"
tar -C "$work/root" --format=pax -czf "$work/root.tgz" .
ours build -o "$work/d.img" "$work/root.tgz"
check from-compressed-tar cmp "$work/a.img" "$work/d.img"

size=$(stat -c %s "$work/a.img")
# docs/IMAGE.md: the trailer block holds the data size at byte 24.
data=$(od -A n -t u8 -j $((size - 4096 + 24)) -N 8 "$work/a.img" | tr -d ' ')
check veritysetup-verify veritysetup verify --hash-offset="$data" \
    "$work/a.img" "$work/a.img" "$root"
check fsck fsck.erofs "$work/a.img"

# The builder's umask is in no image.
mkdir "$work/none" "$work/strict"
XDG_CACHE_HOME=$work/none ours build $bb -o "$work/none.enc"
(umask 077 && XDG_CACHE_HOME=$work/strict ours build $bb -o "$work/strict.enc")
check any-umask cmp "$work/none.enc" "$work/strict.enc"
(umask 077 && ours build "$work/root.tar" -o "$work/e.img")
check any-umask-from-tar cmp "$work/a.img" "$work/e.img"

# What takes longer than a second says so: a packer that waits until it did.
mkdir "$work/slow"
cat >"$work/slow/mkfs.erofs" <<EOF
#!/bin/sh
for i in \$(seq 300); do
    grep -q 'packing the image' "$work/err" && break
    sleep 0.1
done
exec $(command -v mkfs.erofs) "\$@"
EOF
chmod +x "$work/slow/mkfs.erofs"
PATH=$work/slow:$PATH ours build "$work/root" -o "$work/slow.img"
check slow-packing-is-told both 'status_is 0' 'err_has "packing the image"' \
    'cmp "$work/a.img" "$work/slow.img"'

ours build /no/such/dir -o "$work/x.img"
check missing-source both 'status_is 125' 'err_has /no/such/dir'
ours build "$work/root"
check missing-output status_is 125
ours build "$work/root" -o /no/such/dir/x.img
check bad-output status_is 125
echo junk >"$work/junk.tar"
ours build "$work/junk.tar" -o "$work/x.img"
check bad-tar both 'status_is 125' '[ ! -e "$work/x.img" ]'

run --root "$work/a.img" $bb md5sum /data/random
check intact out_is "$sum  /data/random"

# flip OFFSET: one bit of a copy.
flip() {
    cp "$work/a.img" "$work/flipped.img"
    local byte
    byte=$(od -A n -t u1 -j "$1" -N 1 "$work/a.img" | tr -d ' ')
    printf "\\$(printf %o $((byte ^ 4)))" |
        dd of="$work/flipped.img" bs=1 seek="$1" conv=notrunc 2>/dev/null
}

# Nothing but the right sum, or an error with a log line.
never_wrong() {
    if [ "$status" = 0 ]; then
        out_is "$sum  /data/random"
    else
        [ -s "$work/err" ] && ! grep -q "kernel bug" "$work/err" &&
            ! grep -qE '^[0-9a-f]{32} ' "$work/out"
    fi
}

good=0 caught=0
for i in $(seq 1 40); do
    flip $((size / 41 * i + i * 37 % 4096))
    run --root "$work/flipped.img" $bb md5sum /data/random
    never_wrong && good=$((good + 1))
    [ "$status" != 0 ] && caught=$((caught + 1))
done
check flipped-bits [ "$good" = 40 ]
check some-flips-were-read [ "$caught" -gt 3 ]
flip 1030 # the EROFS superblock
run --root "$work/flipped.img" $bb true
check flipped-superblock both '[ $status = 125 ]' '[ -s "$work/err" ]'
flip $((size - 4096 + 50)) # the trailer
run --root "$work/flipped.img" $bb true
check flipped-trailer both '[ $status = 125 ]' 'err_has trailer'
head -c $((size - 8192)) "$work/a.img" >"$work/short.img"
run --root "$work/short.img" $bb true
check truncated status_is 125

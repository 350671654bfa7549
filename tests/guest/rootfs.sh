#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the root file system that the guest tests use: Debian's own programs
# with the libraries they need, data to work on, and our test programs.
#
# usage: rootfs.sh DIR PROGRAM...   (our programs, copied to /test)
set -eu
dir=$1
shift

rm -rf "$dir"
mkdir -p "$dir"/{bin,usr/bin,usr/lib,tmp,proc,dev,sys,root,run,etc,test,data}
chmod 1777 "$dir/tmp"

# Copies a program or library with everything it is linked against.
copy() {
    local file=$1 lib
    install -D -p "$(readlink -f "$file")" "$dir$file"
    for lib in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*' || true); do
        [ -e "$dir$lib" ] || install -D -p "$(readlink -f "$lib")" "$dir$lib"
    done
}

copy /bin/busybox
copy /lib/x86_64-linux-gnu/libgcc_s.so.1 # pthread_cancel() loads it
copy /lib/ld-musl-x86_64.so.1 # and is musl's library, too
for p in ls sort sha256sum date cat head tail wc cut tr uniq seq env printf \
    md5sum od expr stat du readlink basename nl tac paste join comm fold \
    fmt split csplit base64 cksum factor numfmt shuf truncate touch; do
    for where in /usr/bin /bin; do
        if [ -x "$where/$p" ] && [ ! -L "$where/$p" ]; then
            copy "/usr/bin/$p"
            break
        fi
    done
done
for p in dash make git x86_64-linux-gnu-gcc-12 x86_64-linux-gnu-ar true sleep \
    rm mkdir mv cp chmod ln tee find xargs; do
    copy "/usr/bin/$p"
done
ln -s ../usr/bin/dash "$dir/bin/sh"
ln -s x86_64-linux-gnu-gcc-12 "$dir/usr/bin/gcc"
ln -s x86_64-linux-gnu-ar "$dir/usr/bin/ar"
ln -s x86_64-linux-gnu-as "$dir/usr/bin/as"
for p in git-upload-pack git-receive-pack git-upload-archive; do
    ln -s git "$dir/usr/bin/$p"
done
copy /usr/bin/python3.11
ln -s python3.11 "$dir/usr/bin/python3"
copy /usr/bin/sqlite3
for p in bash grep gzip mawk openssl perl sed xz gawk jq bc zstd lua5.4 node; do
    copy "/usr/bin/$p"
done
copy /usr/bin/x86_64-linux-gnu-ld.bfd
copy /usr/bin/x86_64-linux-gnu-as
copy "$(gcc -print-prog-name=cc1)"
ln -s "$(gcc -print-prog-name=cc1)" "$dir/usr/bin/cc1"

# Whole directories, links followed, with what their libraries need.
copy_tree() {
    local so
    mkdir -p "$dir$1"
    cp -rL --preserve=mode "$1/." "$dir$1/" 2>/dev/null || true # dangling links
    find "$1" -name '*.so' | while read -r so; do
        copy "$so"
    done
}

copy /usr/bin/convert-im6.q16
copy_tree "$(echo /usr/lib/x86_64-linux-gnu/ImageMagick-6*)"
copy_tree /etc/ImageMagick-6
java=/usr/lib/jvm/java-17-openjdk-amd64
copy $java/bin/java
for sub in lib conf; do
    copy_tree $java/$sub
done
rm -rf "$dir$java"/lib/{ct.sym,jrt-fs.jar}
ln -s $java/bin/java "$dir/usr/bin/java"
[ ! -d /usr/share/nodejs ] || copy_tree /usr/share/nodejs

cp -a /usr/lib/python3.11 "$dir/usr/lib/"
rm -rf "$dir"/usr/lib/python3.11/{test,idlelib,lib2to3,tkinter,turtledemo} \
    "$dir"/usr/lib/python3.11/ensurepip "$dir"/usr/lib/python3.11/config-*
for so in "$dir"/usr/lib/python3.11/lib-dynload/*.so; do
    for lib in $(ldd "$so" 2>/dev/null | grep -o '/[^ ]*' || true); do
        [ -e "$dir$lib" ] || install -D -p "$(readlink -f "$lib")" "$dir$lib"
    done
done

cat >"$dir/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
END
cat >"$dir/etc/group" <<'END'
root:x:0:
nogroup:x:65534:
END
echo 'passwd: files
group: files' >"$dir/etc/nsswitch.conf"

# Data: the same bytes on every machine.
seq 1 5000 | awk '{ print ($1 * 7919) % 10007, "line", $1 }' \
    >"$dir/data/numbers"
seq 1 200 | awk '{ print "the quick brown fox", $1 % 17, "jumps" }' \
    >"$dir/data/text"
head -c 300000 /dev/zero | openssl enc -aes-128-ctr -nosalt \
    -K 000102030405060708090a0b0c0d0e0f -iv 00000000000000000000000000000000 \
    >"$dir/data/random" 2>/dev/null
{
    echo 'create table t(id integer primary key, v text);'
    seq 1 10000 | awk '{ print "insert into t(v) values(\x27value " $1 "\x27);" }'
    echo 'select count(*), sum(id), max(v) from t;'
} >"$dir/test/inserts.sql"
mkdir -p "$dir/data/tree/a/b/c" "$dir/data/tree/empty"
for f in one two three; do
    echo "file $f" >"$dir/data/tree/$f"
    echo "deep $f" >"$dir/data/tree/a/b/c/$f"
done
ln -s ../one "$dir/data/tree/a/link"
ln -s nowhere "$dir/data/tree/a/dangling"
ln "$dir/data/tree/two" "$dir/data/tree/a/hard"
chmod 640 "$dir/data/tree/three"

for p in "$@"; do
    case $p in
    *.class) install -p -m 644 "$p" "$dir/test/" && continue ;;
    */musl-*) install -p "$p" "$dir/test/" && continue ;; # not this ldd's
    esac
    install -p "$p" "$dir/test/$(basename "$p")"
    for lib in $(ldd "$p" 2>/dev/null | grep -o '/[^ ]*' || true); do
        [ -e "$dir$lib" ] || install -D -p "$(readlink -f "$lib")" "$dir$lib"
    done
done
cp -p "$(dirname "$0")"/scripts/* "$dir/test/"

# For xz, the compiler, the assembler and the linker.
xz -c "$dir/data/numbers" >"$dir/test/numbers.xz"
gcc -O2 -S -o "$dir/test/prog.s" "$dir/test/prog.c"
gcc -O2 -c -o "$dir/test/prog.o" "$dir/test/prog.c"
echo 'void sort(int *v, int n); int v[9]; void _start(void) { sort(v, 9); }' |
    gcc -O2 -c -x c -o "$dir/test/start.o" -
find "$dir" -exec touch -h -d '2024-01-02 03:04:05 UTC' {} +

# Python's caches name the date of their source: or each start, which cannot
# write them anew, would compile what it imports.
find "$dir/usr/lib/python3.11" -name '*.pyc' -print0 | xargs -0 python3 -c '
import struct, sys
for name in sys.argv[1:]:
    with open(name, "r+b") as f:
        f.seek(8)
        f.write(struct.pack("<I", 1704164645))
'
find "$dir/usr/lib/python3.11" -name '*.pyc' -exec \
    touch -d '2024-01-02 03:04:05 UTC' {} +

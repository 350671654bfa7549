#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the tree that the EROFS tests read: every kind of file, the sizes at
# which layouts change, small and large directories, attributes, odd times.
#
# usage: tree.sh DIR
set -eu
mkdir -p "$1"
cd "$1"

for size in 0 1 100 3900 4000 4095 4096 4097 8191 8192 8193 70000 1000000; do
    head -c "$size" /dev/urandom >"file-$size"
done
truncate -s 300000 sparse
printf x | dd of=sparse bs=1 seek=150000 conv=notrunc status=none

mkdir empty few many long deep
touch few/{a,b,c,.hidden,' space'}
(cd many && seq -f 'entry-%05g' 1 3000 | xargs touch)
for c in a b c d e f g h i j k l m n o p q r s t u v w x y z; do
    touch "long/$(printf "%0253d" 0 | tr 0 $c)$c" "long/$c"
done
(cd deep && for i in $(seq 40); do
    mkdir "level-$i"
    cd "level-$i"
    echo "$i" >content
done)

ln -s file-1 link
ln -s "$(printf '%04000d' 0 | tr 0 l)" link-long
ln -s /nowhere/at/all link-dangling
ln file-100 hard-1
ln file-100 deep/hard-2
mkfifo fifo
chmod 4755 file-1
chmod 1777 empty
chmod 2750 few

touch -d @0 few/a
touch -d '1960-01-02 03:04:05.123456789 UTC' few/b
touch -d '2200-12-31 23:59:59.999999999 UTC' few/c
touch -d '2001-02-03 04:05:06.000000001 UTC' link empty

if [ "$(id -u)" -eq 0 ]; then
    chmod 0000 file-0
    mknod null c 1 3
    mknod block b 259 70000
    chown 1234:5678 file-4096
    chown -h 70000:4000000000 link file-4097
fi

# Attributes: one file with one, many with the same, one with many and long.
python3 - <<'EOF'
import os
def put(path, name, value):
    try:
        os.setxattr(path, name, value, follow_symlinks=False)
    except OSError:
        pass # this file system has none
put("file-4096", "user.one", b"1")
for f in os.listdir("few"):
    put("few/" + f, "user.shared", b"the same everywhere")
    put("few/" + f, "trusted.shared", b"\0\1\2")
for i in range(20):
    put("file-8192", "user.n%d" % i, bytes([i]) * (i * 9))
put("file-8193", "user." + "x" * 250, b"")
put("file-70000", "user.large", b"v" * 3000)
put("many", "user.directory", b"too")
put("file-1", "security.capability",
    bytes.fromhex("0100000200200000000000000000000000000000"))
acl = "0200000001000600ffffffff02000400d204000004000400ffffffff" \
      "10000600ffffffff20000400ffffffff"
put("file-3900", "system.posix_acl_access", bytes.fromhex(acl))
put("few", "system.posix_acl_default", bytes.fromhex(acl))
EOF

#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes a root file system of installed Debian packages with all that they
# depend on, as dpkg lists their files, without documentation; our scripts are
# in /test, those of the guest tests in /test/guest, their data in /data.
#
# usage: rootfs.sh DIR DATA PACKAGE...
set -eu
dir=$1 data=$2
shift 2
here=$(dirname "$0")

rm -rf "$dir"
mkdir -p "$dir"/{usr/{bin,sbin,lib,lib64},tmp,proc,dev,sys,root,run,var,home,etc}
for d in bin sbin lib lib64; do
    ln -s usr/$d "$dir/$d"
done
chmod 1777 "$dir/tmp"
mkdir -m 1777 "$dir/var/tmp"

# The installed packages that the named ones need, one a line.
closure() {
    dpkg-query -W -f \
        '${Package}\t${Provides}\t${Pre-Depends}, ${Depends}\t${db:Status-Status}\n' |
        awk -F'\t' -v wanted="$*" '
        function bare(s) { sub(/^ */, "", s); sub(/[ (:].*/, "", s); return s }
        $4 == "installed" {
            depends[$1] = $3
            n = split($2, a, ",")
            for (i = 1; i <= n; i++) provider[bare(a[i])] = $1
        }
        END {
            last = split(wanted, queue, " ")
            for (at = 1; at <= last; at++) {
                p = queue[at]
                if (p in seen) continue
                seen[p] = 1
                print p
                n = split(depends[p], group, ",")
                for (i = 1; i <= n; i++) {
                    m = split(group[i], choice, "|")
                    for (k = 1; k <= m; k++) {
                        c = bare(choice[k])
                        if (!(c in depends)) c = provider[c]
                        if (c != "") { queue[++last] = c; break }
                    }
                }
            }
        }'
}

# What maintainer scripts make, and links in place of /bin and /lib.
{
    closure "$@" | xargs dpkg-query -L
    find /etc/alternatives /etc/ld.so.cache /usr/lib/locale/C.utf8
    find /usr/bin -lname "/etc/alternatives/*"
} | sed -E 's,^/(bin|sbin|lib|lib64)/,/usr/\1/,' |
    grep -Ev '^/(usr/(share/(doc|man|locale|info|lintian|bug|zoneinfo|gtk-doc)|lib/debug)|var/cache|boot)/' |
    grep -Ev '^/(\.|bin|sbin|lib|lib64)?$|lib(a|t|l|hwa)san\.|/lib(gprofng|go)\b' |
    sort -u | while read -r f; do
    if [ -e "$f" ] || [ -L "$f" ]; then echo "${f#/}"; fi
done | tar -C / --no-recursion -cf - -T - | tar -C "$dir" -xf -

cat >"$dir/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/bash
postgres:x:101:101::/var/lib/postgresql:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
END
cat >"$dir/etc/group" <<'END'
root:x:0:
tty:x:5:
postgres:x:101:
nogroup:x:65534:
END
echo 'passwd: files
group: files
hosts: files' >"$dir/etc/nsswitch.conf"
echo '127.0.0.1 localhost' >"$dir/etc/hosts"

cp -a "$data" "$dir/data"
mkdir -p "$dir/test"
cp -p "$here"/scripts/* "$dir/test/"
cp -rp "$here/../guest/scripts" "$dir/test/guest"
find "$dir" -exec touch -h -d '2024-01-02 03:04:05 UTC' {} +

# A Debian package made, looked at, unpacked, installed and removed, by dpkg
# in a root of its own and by apt-get from a file.
mkdir -p /tmp/p/DEBIAN /tmp/p/usr/share/thing /tmp/p/usr/bin && cd /tmp || exit 1
export DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=1700000000 LC_ALL=C.UTF-8
cat >p/DEBIAN/control <<'END'
Package: thing
Version: 1.0-2
Architecture: all
Maintainer: Nobody <nobody@example.org>
Description: A thing
 With a line.
END
printf '#!/bin/sh\necho "postinst $1"\n' >p/DEBIAN/postinst
printf '#!/bin/sh\necho "prerm $1"\n' >p/DEBIAN/prerm
chmod 755 p/DEBIAN/p*
seq 1 5000 >p/usr/share/thing/data
printf '#!/bin/sh\necho a thing\n' >p/usr/bin/thing
chmod 755 p/usr/bin/thing
ln -s thing p/usr/bin/something
ln p/usr/share/thing/data p/usr/share/thing/again
find p -exec touch -h -d @1700000000 {} +
for z in xz gzip zstd none; do
    dpkg-deb -Z$z --root-owner-group -b p thing-$z.deb
    dpkg-deb -x thing-$z.deb out-$z && diff -r out-$z/usr p/usr && echo same
done
dpkg-deb -I thing-xz.deb | sed 's/size [0-9]*/size/'
dpkg-deb -c thing-zstd.deb
dpkg-deb -f thing-xz.deb Version
head -c 1000 thing-xz.deb >bad.deb
dpkg-deb -x bad.deb out-bad 2>&1 | tail -n 1
mkdir -p r/var/lib/dpkg/{info,updates,triggers} r/bin
touch r/var/lib/dpkg/{status,available}
d="dpkg --root=/tmp/r --force-script-chrootless --force-not-root --log=/tmp/l"
$d -i thing-gzip.deb
$d -l thing | tail -n 1
$d -L thing
$d -V thing && echo verified
$d -r thing
$d -s thing 2>&1 | grep Status
mkdir -p a/{lists/partial,cache/archives/partial,etc/{sources.list,preferences}.d}
touch a/etc/sources.list
cat >apt.conf <<'END'
Dir { State "/tmp/a"; State::status "/tmp/r/var/lib/dpkg/status";
    Cache "/tmp/a/cache"; Etc "/tmp/a/etc"; Log "/tmp/a"; };
DPkg::Options { "--root=/tmp/r"; "--log=/tmp/l"; "--force-script-chrootless"; };
APT::Sandbox::User "root";
END
export APT_CONFIG=/tmp/apt.conf
apt="apt-get -q -y"
$apt install ./thing-xz.deb 2>&1
$apt -s remove thing
$apt purge thing 2>&1

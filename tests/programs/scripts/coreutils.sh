# GNU coreutils with the options of every day, one line each.
# usage: coreutils.sh [busybox]: its applets in their place where it has them.
cd /tmp && mkdir w && cd w || exit 1
export LC_ALL=C.UTF-8 TZ=UTC0 COLUMNS=80
d=/data n=/data/numbers t=/data/text
if [ "$1" = busybox ]; then
    mkdir /tmp/bin && /bin/busybox --install -s /tmp/bin && PATH=/tmp/bin:$PATH
    hash -r
fi
# Each line: a command with its output, its messages and its status. Names of
# programs in messages differ natively as here.
while IFS= read -r line; do
    [ -n "$line" ] || continue
    echo "\$ $line"
    eval "$line" 2>&1
    echo "= $?"
done <<'END'
cp -rp $d/tree . && ls -lnR --time-style=+%s tree 2>/dev/null || ls -lnR tree | sed '/^l/s/[A-Z][a-z][a-z] .* \([^ ]* -> \)/\1/'
ls -1aF tree; ls -lnS tree/a/b/c | cut -c1-10; ls -d tree/*; ls -1r tree; ls -1t $d
cp -a tree copy && diff -r tree copy && echo same
cp -u tree/one copy/one; cp -l tree/two hard && stat -c %h hard
cp -s $d/text soft && readlink soft; cp --parents tree/a/b/c/one copy 2>/dev/null; find copy | sort
cp nothing here
mv copy moved && mv -n tree/one moved/one; mv -f tree/two moved/two && ls moved
mkdir -p x/y/z && mkdir -m 700 m && stat -c %a m; mkdir x; rmdir x/y/z && rmdir -p x/y
rm -rf moved && rm tree; rm -f nothing; rm -r tree && ls
ln -s a b && readlink b && ln -sf c b && readlink b && ln -snf d b && readlink -f b
touch -d @1000000000 f && stat -c '%Y %s %F' f && touch -r f g && stat -c %Y g; touch -c none; ls none
chmod u=rwx,g=rx,o= f && stat -c %a f && chmod -R a+rX,g-w . && stat -c %A f; chmod 4755 f && ls -l f | cut -c1-10
chown 1:2 f && stat -c '%u %g' f && chown :7 f && stat -c %g f; chgrp 9 f && stat -c %g f
head -n 3 $n; head -c 20 $n; head -n -4990 $n | tail -n 2; tail -n +4999 $n; tail -c 9 $n; head -q -n 1 $n $t
wc $n $t; wc -l <$n; wc -c $d/random; wc -w $t; wc -L $t
sort $n | head -n 3; sort -n $n | tail -n 2; sort -k3,3n -k1,1r $n | head -n 2; sort -u -t' ' -k2,2 $n; sort -c $n; sort -rn $n -o s && head -n 1 s
sort -R --random-source=$d/random $n 2>/dev/null | md5sum
uniq -c $t | head -n 3; sort $t | uniq -d | wc -l; sort $t | uniq -u | wc -l; uniq -f 4 -c $t | head -n 1
cut -d' ' -f1,3- $t | head -n 2; cut -c2-5 $t | head -n 1; cut -b1 $t | sort -u; cut -d: -f1 /etc/passwd
tr a-z A-Z <$t | head -n 1; tr -d aeiou <$t | head -n 1; tr -s 'o ' <$t | head -n 1; tr -cd '0-9\n' <$t | tail -n 1
paste -d, $n $t | head -n 2; paste -s -d+ <(seq 5); join <(sort $n) <(sort $n) | wc -l; join -v1 <(seq 9) <(seq 5 9)
comm -12 <(seq 1 5) <(seq 3 9); comm -3 <(seq 1 2) <(seq 2 3)
split -l 1000 $n p && ls p* && cat pa* | cmp - $n && echo whole; split -b 100k -d $d/random q && ls q*; split -n 3 $n r 2>/dev/null; wc -c r* 2>/dev/null
csplit -s -f c $t 50 100 2>/dev/null; wc -l c0* 2>/dev/null
tee o1 o2 <$t | cksum; tee -a o1 <$t >/dev/null; wc -l o1; cmp o2 $t && echo same
cat -n $t | head -n 2; cat -A <(printf 'a\tb\r\n'); cat -s <(printf 'a\n\n\n\nb\n'); cat - $d/tree/one <$d/tree/two
tac $n | head -n 1; nl -ba $t | tail -n 1; rev <<<hello 2>/dev/null; fold -w 20 $t | head -n 3; fold -s -w 12 <<<'some words to wrap'; expand -t4 <(printf 'a\tb\n'); unexpand -a <(printf 'a       b\n')
fmt -w 30 $t | head -n 3; pr -2 -l 20 -h x <(seq 20) 2>/dev/null | tail -n +6 | head -n 4
od -An -tx1 -N16 $d/random; od -c -N8 $t; od -j 4 -N 4 -td4 $d/random; od -Ax -tx2z -N 20 $d/random 2>/dev/null
md5sum $t >sums && md5sum -c sums; sha1sum $t; sha256sum $d/random | cut -c1-16; sha512sum $t | cut -c1-16; cksum $n; sum $t; b2sum $t 2>/dev/null | cut -c1-9
base64 -w 20 <<<'some text to encode'; base64 -d <<<aGVsbG8K; base32 <<<x
seq 3; seq 2 2 8; seq -s, 5; seq -w 8 10; seq 3 -1 1; seq -f %.2f 1 .5 2
expr 3 + 4 \* 2; expr length hello; expr substr hello 2 3; expr match hello 'h\(.*\)o'; expr 1 = 2; expr a : b
printf '%5d|%-5s|%05.1f|%x\n' 42 ab 3.14159 255; printf '%s\n' a b; printf '%b' 'a\tb\n'; printf %d x; printf '%q\n' "a b"
date -u -d @1700000000 '+%F %T %j %U %a'; date -u -d @0 -R 2>/dev/null; date -d '2024-02-28 00:00' +%s
env -i A=1 env; env -u HOME A=2 sh -c 'echo $A$HOME'; printenv HOME; env nothing-here; echo $?
test -d /tmp -a ! -f /tmp; [ 3 -gt 2 ]; test -x /bin/sh; [ -z "" ] && [ a != b ]; test 1 -lt x
basename /a/b.c .c; dirname /a/b/c; basename -a a/b c/d; dirname a; realpath -m a/../b 2>/dev/null; readlink -e /no; realpath /bin/sh
stat -c '%n %s %f %h %u %g %a %A' $t $d/tree; stat -L -c %F $d/tree/a/link; stat -f -c %T /proc 2>/dev/null; stat nothing
du -s $d/tree >/dev/null; du -sb $d/tree 2>/dev/null; df -P /tmp | head -n 1 | tr -s ' '; df -T /proc 2>/dev/null | tail -n 1 | cut -c1-4
dd if=$n of=dd bs=100 count=3 skip=2 seek=1 2>/dev/null; cksum dd; dd if=$t bs=50 count=1 conv=ucase 2>/dev/null; dd if=/dev/zero bs=1k count=9 2>&1 >/dev/null | head -n 2; dd if=$t of=dd conv=notrunc bs=7 2>/dev/null; cksum dd
truncate -s 1000 tr && stat -c %s tr && truncate -s +24 tr && stat -c %s tr; truncate -s 2K tr; wc -c tr; shred -u tr 2>/dev/null; fallocate -l 4096 fa 2>/dev/null && stat -c %s fa
id -u; id -un; id -G; whoami; groups; uname -s -m; nproc --all >/dev/null; tty; hostname >/dev/null; logname 2>/dev/null
sleep 0.01; timeout 5 true; timeout 0.1 sleep 5; timeout -s INT 0.1 sleep 5; nice -n 39 nice 2>/dev/null; nohup true; yes x | head -n 2; true; false
mktemp -u >/dev/null; mktemp -d /tmp/mkXXXXXX | cut -c1-7; mkfifo ff && stat -c %F ff; mknod nn c 1 3 && echo hi >nn; stat -c '%t %T' nn; mknod pp p; ls -l pp | cut -c1
factor 360 97 1000000007; numfmt --to=iec 1048576 2>/dev/null; numfmt --from=si 1K 2>/dev/null; shuf -i 1-5 --random-source=$d/random 2>/dev/null; shuf -n 2 -e a b c --random-source=$d/random 2>/dev/null | wc -l
tsort <(printf 'a b\nb c\n'); ptx -A <(echo some words) 2>/dev/null | head -n 2; pathchk a/b 2>/dev/null; stty -a <$t; link $t ll 2>/dev/null; unlink o1; ls o1; sync; sync $t; chroot / true; install -m 640 -D $t i/j/k && stat -c %a i/j/k; dircolors -b 2>/dev/null | cut -c1-9 | head -n 1
echo -e 'a\tb\c'; echo -n x; echo; kill -l 9; kill -0 $$; kill -0 999999; pwd -P; arch; stdbuf -oL echo buffered; who | wc -l; users; pinky 2>/dev/null | wc -l
find $d/tree -type f -name 'o*' | sort; find $d/tree -type l | sort; find $d -size +100k; find $d/tree -newer $n; find $d/tree -perm 640; find $d/tree -maxdepth 1 -printf '%f %y\n' 2>/dev/null | sort; find $d/tree -empty; find $d/tree -name c -prune -o -type f -print | sort
grep -c fox $t; grep -n 'fox 1[0-6]' $t | tail -n 2; grep -vE 'fox [0-9] ' $t | wc -l; grep -rl deep $d/tree | sort; grep -o 'fox [0-9]*' $t | sort -u | wc -l; grep -q nothing $t; grep -A1 -B1 -m1 'fox 5' $t; grep -iw FOX $t | wc -l; grep -F 'x 1' -h $t $t | wc -l; grep x nothing
sed -n '2,3p' $t; sed 's/\(quick\) \(brown\)/\2 \1/;2q' $t; sed '/fox 1/d' $t | wc -l; sed -e '1i\' -e 'first' $t | head -n 1; sed -n '$=' $t; sed y/abc/xyz/ <<<aabbcc
awk '{ s += $1 } END { print s, NR }' $n; awk -F: '{ print $1 }' /etc/passwd; awk 'BEGIN { while ((getline l < "/data/text") > 0) n++; print n; printf "%.3f\n", sqrt(2); print substr("hello", 2, 3), toupper("x"), index("abc", "c"); "echo sub" | getline x; print x; system("exit 3") }'
gzip -c $t | gunzip | cmp - $t && gzip -k o2 && zcat o2.gz | wc -l; gzip -t o2.gz && gunzip -f o2.gz; gzip -d nothing.gz
tar -cf t.tar -C $d tree && tar -tf t.tar | sort | head -n 3; mkdir out && tar -xf t.tar -C out && diff -r out/tree $d/tree && echo same; tar -czf - -C $d text | tar -tzf -; tar -xOf t.tar tree/one
xargs -n 2 echo <<<'a b c'; seq 3 | xargs -I{} echo '<{}>'; echo a b | xargs; xargs -r echo </dev/null; printf 'a\0b' | xargs -0 echo; echo 1 | xargs false
diff $d/tree/one $d/tree/three; diff -u $d/tree/one $d/tree/three | tail -n 2; diff -q $t $n; cmp $t $n; cmp -s $t $t
END

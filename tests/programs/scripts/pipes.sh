# find with xargs -P4, archives through pipes, and what is killed on the way.
set -o pipefail
mkdir -p /tmp/files/{a,b,c}/{d,e} && cd /tmp/files || exit 1
for f in {a,b,c}/{d,e}/{1..20}; do
    echo "$f $RANDOM" | cut -d' ' -f1 >$f
done
find . -type f -print0 | xargs -0 -P4 -n5 sha256sum | sort -k2 | sha256sum
find . -name '1*' | xargs -P4 -I{} sh -c 'echo "{}: $(wc -c <{})"' | sort
seq 1 8 | xargs -P4 -n1 sh -c 'exit $(($0 % 2))'
echo "xargs $?"
find . -type f -exec cat {} + | wc -l
find a -name '2?' -exec sh -c 'echo "$1" | tr / -' _ {} \; | sort
find . -name '*3' -delete -print | wc -l
tar -cf - --sort=name --mtime=@0 --owner=0 --group=0 . | gzip -9n | sha256sum
tar -czf ../all.tar.gz --sort=name . && tar -tzf ../all.tar.gz | wc -l
mkdir ../copy && tar -cf - . | tar -C ../copy -xpf - && diff -r . ../copy &&
    echo same
tar -cf - . | (gzip | cat | gunzip) | tar -tf - | sort | tail -n 2
tar -cJf ../all.tar.xz . && tar -xJf ../all.tar.xz -O ./a/d/1
yes | head -n 1000000 | md5sum
yes | head -n 1 >/dev/null
echo "${PIPESTATUS[@]}"
head -c 3000000 /dev/zero | tee >(md5sum >../m1) >(wc -c >../m2) | md5sum
while [ ! -s ../m1 ] || [ ! -s ../m2 ]; do sleep 0.01; done
cat ../m1 ../m2
sort -R /data/numbers | sort -n --parallel=4 -S 100K | md5sum
split -n l/4 --filter='wc -l; : $FILE' /data/numbers
seq 1000 | timeout 10 awk '{ print | "sort -rn | head -n 2" }'
timeout 0.2 sleep 10
echo "timeout $?"
timeout -s KILL 0.2 sh -c 'sleep 10'
echo "timeout $?"
mkfifo ../p && { (cat ../p | tr a-z A-Z >../q &) ; echo through a fifo >../p; }
while [ ! -s ../q ]; do sleep 0.01; done
cat ../q

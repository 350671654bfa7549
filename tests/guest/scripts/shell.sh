# What shells do with processes; no word of one shell only.
cd /tmp || exit 1
cut -c1-3 /data/text | sort | uniq -c
(echo b; echo a; (echo c)) | sort -r
x=$(echo "$(echo inner) outer")
echo "$x"
cat <<END | tr a-z A-Z
here is $x
END
cat <<'END' | wc -l
one
two
END
i=0
while [ $i -lt 30 ]; do
    true
    i=$((i + 1))
done
echo "$i times"
for s in 0 1 7 255; do
    (exit $s)
    echo "status $?"
done
false | true
echo "pipe $?"
! true
echo "not $?"
sleep 0.2 &
a=$!
(sleep 0.1; exit 3) &
b=$!
wait $b
echo "b $?"
wait $a
echo "a $?"
wait
trap 'echo trapped' USR1
kill -USR1 $$
echo after
(trap 'echo leaving' EXIT; exit 4)
echo "trap $?"
sh -c 'kill -TERM $$'
echo "killed $?"
echo words | (read w; echo "read $w")
{ echo to-stderr >&2; } 2>&1 | cat
seq 1 20000 | tail -n 1
find /data/tree -type f | sort | xargs -n 2 echo
mkdir -p d && (cd d && echo "in $(basename "$(pwd)")") && basename "$(pwd)"
exec 3>file && echo through >&3 && exec 3>&- && cat file
f() { echo "f $1"; return 5; }
f arg | cat
f arg
echo "returned $?"
set -- a b c
echo "$# $(echo "$@" | wc -w)"
eval 'echo evaluated | sed s/eval/re-eval/'
nothing-of-this-name 2>/dev/null
echo "no command $?"

# What only bash has: pipefail, process substitution, coprocesses, job numbers.
set -o pipefail
false | true
echo "pipefail $?"
cat <(echo substituted) <(echo twice)
coproc C { while read -r line; do echo "co $line"; done; }
echo hello >&"${C[1]}"
read -r answer <&"${C[0]}"
echo "$answer"
exec {C[1]}>&-
wait "$C_PID" 2>/dev/null
for i in {1..40}; do
    n=$(echo $i | sed 's/1/2/')
done
echo "$n"
declare -A seen
while read -r a b; do
    seen[$a]=$b
done < <(sort /data/numbers | head -n 50)
echo "${#seen[@]}"
sleep 0.1 & sleep 0.1 &
wait -n
echo "wait -n $?"
wait
time_it() { local s=$SECONDS; "$@"; echo "${PIPESTATUS[@]}"; }
time_it true
echo "${BASH_SUBSHELL} $(echo $BASH_SUBSHELL) $(echo $(echo $BASH_SUBSHELL))"
printf '%s\n' b a | while read -r x; do echo "loop $x"; done | sort

# PostgreSQL on its unix socket: a database made and used, eight clients at
# once with totals that add up, a backend killed and what recovery says.
# usage: postgres.sh PGBENCH-OPTION...
if [ "$(id -u)" = 0 ]; then
    mkdir /tmp/pg && chown postgres /tmp/pg
    exec setpriv --reuid postgres --regid postgres --clear-groups \
        bash "$0" "$@"
fi
export PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/tmp/pg/data PGHOST=/tmp/pg
cd /tmp/pg || exit 1
initdb -A trust -E UTF8 --locale=C.UTF-8 --no-sync >init.log 2>&1 ||
    { cat init.log; exit 1; }
cat >>data/postgresql.conf <<'END'
listen_addresses = ''
unix_socket_directories = '/tmp/pg'
shared_buffers = 16MB
fsync = off
END
pg_ctl -w -t 90 -l server.log start >/dev/null || { cat server.log; exit 1; }
sql() { psql -X -q -At -c "$1" postgres; }

sql "create table t as select i, md5(i::text) h from generate_series(1, 20000) i;
    create index on t(h)"
sql "select count(*), sum(i), max(h) from t where h > '8'"
sql "select json_agg(x) from (select i % 3 as x, count(*) from t group by 1
    order by 1) as q"
sql "select 1 / 0"
echo "status $?"
sql "begin; delete from t; rollback; select count(*) from t"
sql "set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0;
    set min_parallel_table_scan_size = 0; set parallel_tuple_cost = 0;
    select count(*) from t where h like '%a%'"
(echo 'copy t from stdin;'; seq -f '%.0f	x' 20001 21000; echo '\.') |
    psql -X -q postgres
pg_dump -t t postgres | grep -c '^[0-9]*	'

pgbench -i -q -s 1 postgres >/dev/null 2>bench.log || cat bench.log
pgbench -n -c 8 -j 2 "$@" postgres >bench.out 2>bench.log ||
    cat bench.out bench.log
grep -E 'number of (clients|failed)' bench.out
sql "select (select sum(abalance) from pgbench_accounts) =
        (select sum(delta) from pgbench_history),
    (select sum(tbalance) from pgbench_tellers) =
        (select sum(delta) from pgbench_history),
    (select sum(bbalance) from pgbench_branches) =
        (select sum(delta) from pgbench_history),
    (select count(*) from pgbench_history) > 0"

# A client's backend dies by SIGKILL; the server starts over, loses nothing.
{ sql "select pg_sleep(60)" 2>/dev/null; echo "client $?"; } &
client=$!
until pid=$(sql "select pid from pg_stat_activity
    where query like 'select pg_sleep%'") && [ -n "$pid" ]; do
    sleep 0.1
done
kill -KILL "$pid"
wait $client
until sql "select 'up'" 2>/dev/null; do
    sleep 0.1
done
grep -oE 'was terminated by signal 9|reinitializing|automatic recovery' server.log
sql "select count(*), sum(i) from t"
pg_ctl -w -t 90 -m fast stop | sed 's/\.\.*//'
grep -c 'database system is shut down' server.log
pg_controldata | grep state

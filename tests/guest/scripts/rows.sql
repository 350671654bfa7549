pragma journal_mode = wal;
create table t(id integer primary key, v text, n real);
create index i on t(v);
begin;
with recursive c(x) as (select 1 union all select x + 1 from c where x < 100000)
insert into t select x, 'value ' || (x * 7919 % 100003), x / 7.0 from c;
commit;
select count(*), sum(id), max(v), round(avg(n), 6) from t;
update t set v = v || '!' where id % 10 = 0;
delete from t where id % 3 = 0;
select count(*), min(v) from t where v like '%!';
pragma wal_checkpoint(truncate);
vacuum;
pragma integrity_check;

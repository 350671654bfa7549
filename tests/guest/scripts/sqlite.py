import sqlite3
db = sqlite3.connect("/tmp/py.db")
db.execute("create table t(id integer primary key, name text)")
with db:
    db.executemany("insert into t(name) values(?)", ((f"name {i % 97}",) for i in range(2000)))
print(db.execute("select count(*), count(distinct name), sum(id) from t").fetchone())
db.close()

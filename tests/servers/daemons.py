#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Servers of Debian that are many processes, under enclos: nginx with its
workers, databases, sshd and others, with clients outside.

usage: daemons.py [--long]

Prints "ok servers NAME" and "not ok servers NAME".
"""
import glob
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from harness import (BIG, ENCLAVE, INDEX, KINDS, LOCAL, LONG, WAIT, WORK,
                     Server, check_http, free_port, inside, make_tree, run,
                     same, test, write)


def until(condition):
    end = time.monotonic() + WAIT
    while not condition():
        same(time.monotonic() < end, True)
        time.sleep(0.05)


# ---- nginx ----

def nginx_conf(port, text="", more="", daemon="off", workers=4, most=4096):
    return write(f"nginx{port}.conf", f"""
user root;
daemon {daemon};
worker_processes {workers};
worker_rlimit_nofile {2 * most};
error_log stderr notice;
pid /tmp/nginx.pid;
events {{ worker_connections {most}; }}
http {{
    access_log off;
    client_body_temp_path /tmp/a; proxy_temp_path /tmp/b;
    fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
    server {{
        listen {LOCAL}:{port};
        root {WORK}/www;
        location = /who {{ return 200 "$pid{text}\\n"; }}
    }}
    {more}
}}
""")


def get(port, path):
    return run("curl", "-sf", f"http://{LOCAL}:{port}{path}")


def nginx(*options):
    """Four workers; SIGHUP replaces them by others with a new configuration
    while nobody notices."""
    with Server(lambda port: ["nginx", "-c", nginx_conf(port)],
                *options) as s:
        check_http(s.port)
        workers = {get(s.port, "/who") for _ in range(20)}
        nginx_conf(s.port, " again")
        if "--target" not in options:
            s.process.send_signal(signal.SIGHUP)
            until(lambda: all(b"again" in get(s.port, "/who")
                              for _ in range(20)))
            same(any(get(s.port, "/who").split()[0] + b"\n" in workers
                     for _ in range(20)), False)
        out = run("wrk", "-t1", "-c64", "-d10" if LONG else "-d1",
                  f"http://{LOCAL}:{s.port}/10k")
        same(b"Non-2xx" in out or b"Socket errors" in out, False)
        check_http(s.port)
        s.process.send_signal(signal.SIGQUIT)
        same(s.wait_end(), 0)


UPGRADE = """
set -e
$2 -c $1
upgrade() {
    old=$(cat /tmp/nginx.pid)
    kill -USR2 $old
    until [ -s /tmp/nginx.pid.oldbin -a -s /tmp/nginx.pid ]; do sleep 0.1; done
    kill -WINCH $old
    kill -QUIT $old
}
trap upgrade USR1
trap 'kill -QUIT $(cat /tmp/nginx.pid); exit 0' TERM
while :; do sleep 0.1; done
"""


def nginx_upgrade(*options):
    """A new master is executed with the listening socket, the old one and its
    workers go; clients notice nothing."""
    script = write("upgrade.sh", UPGRADE)
    with Server(lambda port: ["sh", script,
                              nginx_conf(port, daemon="on"),
                              shutil.which("nginx")],
                *options) as s:
        old = {get(s.port, "/who") for _ in range(20)}
        check_http(s.port)
        s.process.send_signal(signal.SIGUSR1)
        until(lambda: get(s.port, "/who") not in old)
        until(lambda: not any(get(s.port, "/who") in old for _ in range(20)))
        check_http(s.port)
        s.process.terminate()
        same(s.wait_end(), 0)


def nginx_tls(*options):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
        "nginx.key", "-out", "nginx.pem", "-subj", "/CN=localhost", "-days",
        "2")
    tls = free_port()
    more = f"""server {{
        listen {LOCAL}:{tls} ssl;
        ssl_certificate {WORK}/nginx.pem;
        ssl_certificate_key {WORK}/nginx.key;
        root {WORK}/www;
    }}"""
    with Server(lambda port: ["nginx", "-c", nginx_conf(port, more=more)],
                *options) as s:
        for path, want in (("big", BIG), ("index.html", INDEX)):
            same(run("curl", "-sf", "--cacert", WORK + "/nginx.pem",
                     f"https://localhost:{tls}/{path}"), want)
        check_http(s.port)


def memory_of(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    return 0


def crowd(*options):
    """Thousands of clients at once; clients that are killed in the middle,
    that say nothing, that do not read: the server stays, and does not grow."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count, seconds = (5000, 60) if LONG else (1000, 4)
    with Server(lambda port: ["nginx", "-c",
                              nginx_conf(port, workers=1, most=2 * count)],
                *options) as s:
        url = f"http://{LOCAL}:{s.port}/"
        wrk = ["wrk", "-t1", f"-c{count}", "--timeout", "30"]
        crowd_now = subprocess.Popen([*wrk, f"-d{seconds}", url + "10k"],
                                     stdout=subprocess.PIPE)
        time.sleep(seconds / 2)
        before = memory_of(s.process.pid)
        out = crowd_now.communicate(timeout=2 * WAIT)[0]
        after = memory_of(s.process.pid)
        print(out.decode(), f"{before} MiB, then {after} MiB")
        same(b"Non-2xx" in out or b"Socket errors" in out, False)
        same(after <= before * 1.2 + 8, True)
        for _ in range(5):
            killed = subprocess.Popen([*wrk, "-d20", url + "big"],
                                      stdout=subprocess.DEVNULL)
            time.sleep(0.3)
            killed.kill()
            killed.wait()
        silent = [socket.create_connection((LOCAL, s.port), WAIT)
                  for _ in range(count)]
        for c in silent[::2]:
            c.sendall(b"GET /big HTTP/1.1\r\n")
        for c in silent[::4]:
            c.sendall(b"Host: a\r\n\r\n")
        check_http(s.port)
        for c in silent:
            c.close()
        check_http(s.port)
        # nginx has two buffers of 32 KiB for each that it answers.
        same(memory_of(s.process.pid) <= 2 * after + count * 140 // 1024, True)


# ---- databases ----

POSTGRES = """
set -e
as() { setpriv --reuid=1000 --regid=1000 --clear-groups env HOME=/tmp "$@"; }
data=$(mktemp -d)
chown 1000:1000 $data
as $1/initdb -D $data -A trust -U bench --no-sync -E UTF8 --locale=C
exec setpriv --reuid=1000 --regid=1000 --clear-groups \
    $1/postgres -D $data -h 127.0.0.1 -p $2 -k /tmp
"""


def postgresql(*options):
    binaries = max(glob.glob("/usr/lib/postgresql/*/bin"))
    script = write("postgres.sh", POSTGRES)
    with Server(lambda port: ["sh", script, binaries, port], *options) as s:
        to = ["-h", LOCAL, "-p", s.port, "-U", "bench"]
        until(lambda: subprocess.run(
            [binaries + "/pg_isready", *map(str, to)], check=False,
            stdout=subprocess.DEVNULL).returncode == 0)
        run(binaries + "/pgbench", *to, "-i", "-q", "postgres")
        out = run(binaries + "/pgbench", *to, "-c", 4, "-t",
                  200 if LONG else 20, "postgres")
        same(b"number of failed transactions: 0 " in out, True)
        rows = run(binaries + "/psql", *to, "-At", "-c",
                   "select count(*) from pgbench_history", "postgres")
        same(rows, b"800\n" if LONG else b"80\n")
        s.process.send_signal(signal.SIGINT)
        same(s.wait_end(), 0)


MARIADB = """
set -e
data=$(mktemp -d)
mariadb-install-db --no-defaults --datadir=$data --user=root \
    --auth-root-authentication-method=normal --skip-test-db
cat >$data/init.sql <<.
CREATE DATABASE sbtest;
CREATE USER 'sb'@'127.0.0.1' IDENTIFIED BY 'sb';
GRANT ALL ON sbtest.* TO 'sb'@'127.0.0.1';
.
exec mariadbd --no-defaults --datadir=$data --user=root \
    --bind-address=127.0.0.1 --port=$1 --socket=$data/my.sock \
    --init-file=$data/init.sql
"""


def mariadb(*options):
    script = write("mariadb.sh", MARIADB)
    with Server(lambda port: ["sh", script, port], *options) as s:
        bench = ["sysbench", "oltp_read_write", "--db-driver=mysql",
                 "--mysql-host=127.0.0.1", f"--mysql-port={s.port}",
                 "--mysql-user=sb", "--mysql-password=sb", "--tables=1",
                 "--table-size=1000", "--threads=4",
                 f"--time={10 if LONG else 2}"]
        run(*bench, "prepare")
        out = run(*bench, "run")
        same(int(re.search(rb"transactions: +(\d+)", out)[1]) > 0, True)
        same(b"reconnects:                          0 " in out, True)
        s.process.terminate()
        same(s.wait_end(), 0)


# ---- others ----

def ssh(*options):
    for name in ("host_key", "client_key"):
        for old in glob.glob(f"{WORK}/{name}*"):
            os.unlink(old)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
            f"{WORK}/{name}")
    shutil.copy(WORK + "/client_key.pub", WORK + "/keys")
    made = run(*inside(["sh", "-c", "ssh-keygen -q -t ed25519 -N '' -f /tmp/k && "
                        "ssh-keygen -yf /tmp/k"], options))
    same(made[:12], b"ssh-ed25519 ")

    def command(port):
        conf = write("sshd.conf", f"""
Port {port}
ListenAddress {LOCAL}
HostKey {WORK}/host_key
AuthorizedKeysFile {WORK}/keys
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
Subsystem sftp internal-sftp
""")
        return ["sh", "-c", f"mkdir -p /run/sshd; exec {shutil.which('sshd')} "
                f"-D -e -f {conf}"]

    with Server(command, *options) as s:
        more = ["-i", WORK + "/client_key", "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
                "-o", "LogLevel=error"]
        there = [*more, "-p", s.port, "root@" + LOCAL]
        same(run("ssh", *there, "uname -v; echo $((6 * 7))"),
             b"#1 SMP PREEMPT_DYNAMIC Enclos\n42\n")
        same(run("ssh", "-tt", *there, "tty"), b"/dev/pts/0\r\n")
        failed = subprocess.run(["ssh", *map(str, there), "exit 7"],
                                check=False, timeout=WAIT)
        same(failed.returncode, 7)
        copy = ["scp", "-q", "-P", s.port, *more]
        run(*copy, WORK + "/www/big", f"root@{LOCAL}:/tmp/big")
        run(*copy, f"root@{LOCAL}:/tmp/big", WORK + "/big.back")
        same(open(WORK + "/big.back", "rb").read(), BIG)


def dns(*options):
    with Server(lambda port: [
            "dnsmasq", "-k", "-C", "/dev/null", "-p", port, "-R", "-h",
            "--listen-address=" + LOCAL, "--bind-interfaces", "--user=root",
            "--address=/a.test/10.1.2.3", "--host-record=b.test,::5",
            "--txt-record=t.test,hello", "--log-facility=-", "--pid-file"],
            *options) as s:
        ask = ["dig", "@" + LOCAL, "-p", str(s.port), "+short"]
        for more, want in ((["x.a.test"], b"10.1.2.3\n"),
                           (["b.test", "AAAA"], b"::5\n"),
                           (["+tcp", "t.test", "TXT"], b'"hello"\n')):
            same(run(*ask, *more), want)
            same(run(*inside(ask + more, options)), want)


def rsync(*options):
    def command(port):
        conf = write("rsync.conf", f"""
port = {port}
address = {LOCAL}
use chroot = no
[from]
path = {WORK}/www
[to]
path = /tmp/to
read only = no
uid = root
gid = root
""")
        return ["sh", "-c", "mkdir /tmp/to; exec rsync --daemon --no-detach "
                f"--config={conf} --log-file=/dev/stderr"]

    with Server(command, *options) as s:
        url = f"rsync://{LOCAL}:{s.port}/"
        run("rsync", "-a", url + "from/", WORK + "/out/")
        run("diff", "-r", WORK + "/www", WORK + "/out")
        run("rsync", "-a", WORK + "/www/", url + "to/")
        run("rsync", "-a", url + "to/", WORK + "/back/")
        run("diff", "-r", WORK + "/www", WORK + "/back")


GRPC_SERVER = """
import sys, grpc
from concurrent import futures
class Hello(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: b"hello " + request)
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((Hello(),))
server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
server.wait_for_termination()
"""

GRPC_CLIENT = """
import sys, grpc
channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
for i in range(20):
    print(channel.unary_unary("/a/b")(b"%d" % i, timeout=30,
                                      wait_for_ready=True))
"""


def grpc(*options):
    server, client = (write("grpc_server.py", GRPC_SERVER),
                      write("grpc_client.py", GRPC_CLIENT))
    want = b"".join(b"b'hello %d'\n" % i for i in range(20))
    with Server(lambda port: ["/usr/bin/python3", server, port],
                *options) as s:
        ask = ["/usr/bin/python3", client, s.port]
        same(run(*ask), want)
        same(run(*inside(ask, options)), want)


# What each needs in an enclave's image.
SH = "/bin/sh mkdir mktemp chown cat "
NEEDS = (
    (dns, "dnsmasq dig"),
    (rsync, SH + "rsync"),
    (ssh, SH + "sshd ssh-keygen /bin/bash uname tty scp /usr/lib/openssh"),
    (grpc, "/usr/lib/python3.11 /usr/lib/python3/dist-packages/grpc"),
    (postgresql, SH + "setpriv env /usr/lib/postgresql /usr/share/postgresql "
     "/usr/share/zoneinfo /usr/lib/locale"),
    (mariadb, SH + "mariadbd mariadb-install-db my_print_defaults resolveip "
     "basename dirname sed grep uname id chmod hostname ls rm ln test [ "
     "/usr/share/mysql"),
)


def main():
    make_tree()
    for function in (nginx, nginx_upgrade, nginx_tls, crowd, postgresql, mariadb,
                     ssh, dns, rsync, grpc):
        for options in KINDS if LONG else KINDS[:1]:
            test(function, *options)
    test(nginx, *ENCLAVE)
    for function, need in NEEDS if LONG else ():
        test(function, *ENCLAVE, need=need)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Servers of Debian under enclos with clients outside, and clients under
enclos with servers outside. daemons.py has those that are many processes.

usage: servers.py [--long]

Prints "ok servers NAME" and "not ok servers NAME".
"""
import glob
import http.server
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from harness import (BIG, ENCLAVE, ENCLOS, INDEX, KINDS, LOCAL, LONG, WAIT,
                     WORK, Server, check_http, fetch, free_port, inside,
                     make_tree, run, same, test, write)


# ---- servers inside ----

def redis(*options):
    def command(port):
        return ["redis-server", "--port", port, "--bind", LOCAL, "--save", "",
                "--dir", "/tmp", "--maxclients", "5000"]

    with Server(command, *options) as s:
        cli = ["redis-cli", "-p", s.port]
        same(run(*cli, "set", "key", "value"), b"OK\n")
        same(run(*cli, "get", "key"), b"value\n")
        out = run("redis-benchmark", "-p", s.port, "-t", "set,get", "-q",
                  "-n", 100000 if LONG else 4000, "-c", 50, "-P", 16)
        same(len(re.findall(rb"requests per second", out)), 2)
        same(run(*cli, "dbsize")[:1].isdigit(), True)
        killed_clients(s.port)
        many_clients(s.port, 2000 if LONG else 200)
        same(run(*cli, "get", "key"), b"value\n")
        subprocess.run([str(w) for w in cli + ["shutdown", "nosave"]],
                       timeout=WAIT, check=False)
        same(s.wait_end(), 0)


def redis_saves(*options):
    """A child of fork(2) writes the data that the next start finds."""
    script = write("saves.sh", """
set -e
redis-server --port $1 --save '' --dir /tmp --appendonly no
exec redis-server --port $1 --save '' --dir /tmp
""")
    with Server(lambda port: ["sh", script, port], *options) as s:
        cli = ["redis-cli", "-p", s.port]
        run("redis-benchmark", "-p", s.port, "-q", "-t", "set", "-n", 20000,
            "-r", 5000, "-P", 16)
        before = run(*cli, "dbsize")
        run(*cli, "bgsave")
        until = time.monotonic() + WAIT
        while b"rdb_bgsave_in_progress:0" not in run(*cli, "info",
                                                     "persistence"):
            same(time.monotonic() < until, True)
            time.sleep(0.1)
        same(b"rdb_last_bgsave_status:ok" in run(*cli, "info", "persistence"),
             True)
        run(*cli, "set", "last", "one")
        subprocess.run([str(w) for w in cli + ["shutdown", "save"]],
                       timeout=WAIT, check=False)
        same(s.wait_ready(), True)
        same(run(*cli, "get", "last"), b"one\n")
        same(int(run(*cli, "dbsize")), int(before) + 1)
        subprocess.run([str(w) for w in cli + ["shutdown", "nosave"]],
                       timeout=WAIT, check=False)
        same(s.wait_end(), 0)


def many_clients(port, count):
    clients = [socket.create_connection((LOCAL, port), WAIT)
               for _ in range(count)]
    for c in clients:
        c.sendall(b"PING\r\n")
    same({c.recv(100) for c in clients}, {b"+PONG\r\n"})
    for c in clients:
        c.close()


def killed_clients(port):
    """Ends that are gone in the middle of everything."""
    for how in range(30):
        c = socket.create_connection((LOCAL, port), WAIT)
        if how % 3:
            c.sendall(b"GET key\r\n" * 5000)
        if how % 3 == 2:
            c.recv(10)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        c.close()


def slow_reader(port):
    """Does not read for a while; what it then reads is whole."""
    with socket.create_connection((LOCAL, port), WAIT) as c:
        c.sendall(b"GET /big HTTP/1.0\r\n\r\n")
        time.sleep(0.2)
        got = bytearray()
        while chunk := c.recv(4096):
            got += chunk
        same(got.endswith(BIG), True)


def lighttpd(*options):
    def command(port):
        conf = write(f"lighttpd{port}.conf",
                     f'server.document-root = "{WORK}/www"\n'
                     f'server.bind = "{LOCAL}"\nserver.port = {port}\n'
                     'server.errorlog = "/dev/stderr"\n')
        return ["lighttpd", "-D", "-f", conf]

    modules = glob.glob("/usr/lib/lighttpd/*.so")
    with Server(command, *options, more=modules) as s:
        check_http(s.port)
        killed_clients(s.port)
        slow_reader(s.port)
        if LONG:
            out = run("wrk", "-t1", "-c64", "-d10",
                      f"http://{LOCAL}:{s.port}/10k")
            same(b"Non-2xx" in out or b"Socket errors" in out, False)
        check_http(s.port)


def python_http(*options):
    with Server(lambda port: ["/usr/bin/python3", "-m", "http.server", port, "--bind",
                              LOCAL, "--directory", WORK + "/www"],
                *options) as s:
        check_http(s.port)
        slow_reader(s.port)


ECHO = """
import asyncio, sys
async def echo(r, w):
    while data := await r.read(65536):
        w.write(data)
        await w.drain()
    w.close()
async def main():
    s = await asyncio.start_server(echo, "127.0.0.1", int(sys.argv[1]),
                                   backlog=1000)
    async with s:
        await s.serve_forever()
asyncio.run(main())
"""


def asyncio_echo(*options):
    script = write("echo.py", ECHO)
    with Server(lambda port: ["/usr/bin/python3", script, port], *options) as s:
        clients = [socket.create_connection((LOCAL, s.port), WAIT)
                   for _ in range(1000 if LONG else 100)]
        for i, c in enumerate(clients):
            c.sendall(b"%d." % i * 100)
        for i, c in enumerate(clients):
            want = b"%d." % i * 100
            got = b""
            while len(got) < len(want):
                got += c.recv(65536)
            same(got, want)
        for c in clients:
            c.close()


def memcached(*options):
    with Server(lambda port: ["memcached", "-u", "root", "-l", LOCAL, "-p",
                              port, "-U", 0], *options) as s:
        same(fetch(s.port, b"set a 0 0 5\r\nhello\r\nget a\r\nquit\r\n"),
             b"STORED\r\nVALUE a 0 5\r\nhello\r\nEND\r\n")


NODE = """
require('http').createServer((q, r) => {
  let n = 0;
  q.on('data', d => n += d.length);
  q.on('end', () => r.end(`${q.url} ${n}\\n`));
}).listen(+process.argv[2], '127.0.0.1');
if (!require('os').networkInterfaces().lo) process.exit(3);
"""


def node(*options):
    script = write("server.js", NODE)
    with Server(lambda port: ["node", script, port], *options) as s:
        same(run("curl", "-sf", f"http://{LOCAL}:{s.port}/hi"), b"/hi 0\n")
        same(run("curl", "-sf", "--data-binary", f"@{WORK}/www/big",
                 f"http://{LOCAL}:{s.port}/post"), b"/post %d\n" % len(BIG))


JAVA = """
import com.sun.net.httpserver.*;
import java.net.*;
public class Server {
    public static void main(String[] a) throws Exception {
        if (NetworkInterface.getByName("lo") == null)
            throw new Exception("no lo");
        HttpServer s = HttpServer.create(new InetSocketAddress("127.0.0.1",
            Integer.parseInt(a[0])), 0);
        s.createContext("/", e -> {
            byte[] b = ("java " + e.getRequestURI() + "\\n").getBytes();
            e.sendResponseHeaders(200, b.length);
            e.getResponseBody().write(b);
            e.close();
        });
        s.start();
    }
}
"""


def java(*options):
    if not os.path.exists(WORK + "/Server.class"):
        write("Server.java", JAVA)
        run("javac", "Server.java")
    with Server(lambda port: ["java", "-Xmx64m", "-cp", WORK, "Server", port],
                *options) as s:
        same(run("curl", "-sf", f"http://{LOCAL}:{s.port}/hi"), b"java /hi\n")


GO = """
package main
import ("fmt"; "net"; "net/http"; "os")
func main() {
    if _, err := net.InterfaceByName("lo"); err != nil { panic(err) }
    http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
        fmt.Fprintf(w, "go %s\\n", r.URL.Path) })
    panic(http.ListenAndServe("127.0.0.1:" + os.Args[1], nil))
}
"""


def go(*options):
    program = WORK + "/goserver"
    if not os.path.exists(program):
        write("server.go", GO)
        run("go", "build", "-o", program, "server.go",
            env=dict(os.environ, GO111MODULE="off", CGO_ENABLED="0",
                     GOCACHE=os.path.abspath("build/guest/gocache")))
    with Server(lambda port: [program, port], *options) as s:
        for _ in range(20):
            same(run("curl", "-sf", f"http://{LOCAL}:{s.port}/hi"),
                 b"go /hi\n")


def udp(*options):
    script = write("udp.py", """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", int(sys.argv[1])))
l = socket.create_server(("127.0.0.1", int(sys.argv[1]))) # ready
while True:
    data, name = s.recvfrom(65536)
    s.sendto(data[::-1], name)
""")
    with Server(lambda port: ["/usr/bin/python3", script, port], *options) as s:
        c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        c.settimeout(WAIT)
        c.connect((LOCAL, s.port))
        for data in (b"abc", BIG[:60000], b"", b"z"):
            c.send(data)
            same(c.recv(65536), data[::-1])


URGENT = """
import array, fcntl, os, select, signal, socket, sys
def at_mark(s):
    a = array.array("i", [-1])
    fcntl.ioctl(s, 0x8905, a)
    return a[0]
def until(s, what, time=None):
    p = select.poll()
    p.register(s, what)
    return [bits for _, bits in p.poll(time)]
def urgent(s):
    try:
        return s.recv(1, socket.MSG_OOB)
    except OSError as e:
        return e.errno
signals = []
signal.signal(signal.SIGURG, lambda *_: signals.append(1))
l = socket.create_server(("127.0.0.1", int(sys.argv[1])))
l.accept()
c, _ = l.accept()
fcntl.fcntl(c, fcntl.F_SETOWN, os.getpid())
print(urgent(c), at_mark(c))
c.send(b"1")
print(until(c, select.POLLPRI), len(signals))
print(c.recv(1, socket.MSG_OOB | socket.MSG_PEEK), urgent(c), urgent(c))
c.send(b"2")
print(until(c, select.POLLPRI | select.POLLIN), c.recv(100), at_mark(c))
print(c.recv(100), at_mark(c))
c.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
c.send(b"3")
print(until(c, select.POLLPRI), urgent(c), len(signals))
got = b""
while not at_mark(c):
    got += c.recv(100)
print(got, c.recv(100), at_mark(c), until(c, select.POLLPRI, 0))
c.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 0)
c.send(b"4")
print(select.select([], [], [c])[2] == [c])
print(c.recv(100), c.recv(100, socket.MSG_WAITALL), urgent(c))
c.send(b"5")
e = select.epoll()
e.register(c, select.EPOLLPRI | select.EPOLLET)
print([bits for _, bits in e.poll()], len(signals), urgent(c), at_mark(c))
c.send(b"6")
print(c.recv(100), c.recv(1), urgent(c), flush=True)
"""


def urgent_bytes(server):
    """What a server prints to which urgent bytes (tcp(7)) come."""
    oob = socket.MSG_OOB
    with socket.create_connection((LOCAL, server.port), WAIT) as s:
        for data, flags, more in ((b"abc!", oob, b""), (b"def", 0, b""),
                                  (b"gh#", oob, b""),
                                  (b"klmn%", oob, b"o" * 100),
                                  (b"?", oob, b""), (b"end", 0, b"")):
            same(len(s.recv(1)), 1)
            s.send(data, flags)
            s.sendall(more)
        s.shutdown(socket.SHUT_WR)
        same(server.wait_end(), 0)
    return [line for line in server.output().splitlines()
            if not line.startswith("enclos: ")]


def urgent(*options):
    script = write("urgent.py", URGENT)

    def command(port):
        return ["/usr/bin/python3", script, port]

    with Server(command, native=True) as s:
        want = urgent_bytes(s)
    with Server(command, *options) as s:
        same(urgent_bytes(s), want)


# ---- clients inside ----

def run_inside(*command, options):
    return run(*inside(command, options))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args):
        super().__init__(*args, directory=WORK + "/www")

    def log_message(self, *args):
        pass


def clients(*options):
    server = http.server.ThreadingHTTPServer((LOCAL, 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    try:
        url = f"http://{LOCAL}:{port}"
        same(run_inside("curl", "-sf", url + "/big", options=options), BIG)
        same(run_inside("wget", "-qO-", url + "/big", options=options), BIG)
        same(run_inside("curl", "-sf", f"http://localhost:{port}/index.html",
                        options=options), INDEX)
        nobody = subprocess.run(
            [ENCLOS, "run", "--root", "host", *options, "curl", "-s",
             f"http://{LOCAL}:{free_port()}/"], timeout=WAIT, check=False,
            stderr=subprocess.DEVNULL)
        same(nobody.returncode, 7)
    finally:
        server.shutdown()
        server.server_close()


def tls_client(*options):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
        "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", "-days", "2")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(WORK + "/cert.pem", WORK + "/key.pem")
    server = http.server.ThreadingHTTPServer((LOCAL, 0), Quiet)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    try:
        same(run_inside("curl", "-sf", "--cacert", WORK + "/cert.pem",
                        f"https://localhost:{port}/big", options=options), BIG)
        out = run_inside("openssl", "s_client", "-connect", f"{LOCAL}:{port}",
                         "-CAfile", WORK + "/cert.pem", "-brief",
                         options=options)
        same(isinstance(out, bytes), True)
    finally:
        server.shutdown()
        server.server_close()


TALKERS = """
import errno, random, select, socket, sys, threading
echo, full, closed = ((sys.argv[1], int(p)) for p in sys.argv[2:])
for _ in range(5): # given up, and refused
    s = socket.socket()
    s.setblocking(False)
    assert s.connect_ex(full) == errno.EINPROGRESS
    s.close()
    s = socket.socket()
    for _ in range(2):
        assert s.connect_ex(closed) == errno.ECONNREFUSED
    s.close()
    s = socket.socket()
    s.setblocking(False)
    if s.connect_ex(closed) == errno.EINPROGRESS:
        p = select.poll()
        p.register(s, select.POLLOUT)
        p.poll()
        assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == \
            errno.ECONNREFUSED
    s.close()
def write(s, data, r):
    while data:
        data = data[s.send(data[:r.choice((1000, 30000, 100000))]):]
    s.shutdown(socket.SHUT_WR)
def talk(seed):
    r = random.Random(seed)
    for size in (1, 4096, 5000, 70000, 300000, 1, 700000, 10):
        data, got = r.randbytes(size), b""
        with socket.create_connection(echo) as s:
            w = threading.Thread(target=write, args=(s, data, r))
            w.start()
            while more := s.recv(r.choice((100, 5000, 100000))):
                got += more
            w.join()
        if got != data:
            print("bytes are lost")
talkers = [threading.Thread(target=talk, args=(n,)) for n in range(6)]
for t in talkers:
    t.start()
for t in talkers:
    t.join()
print("done")
"""


def echo_all(listener):
    def echo(c):
        with c:
            while data := c.recv(65536):
                c.sendall(data)

    while True:
        try:
            c = listener.accept()[0]
        except OSError:
            return
        threading.Thread(target=echo, args=(c,), daemon=True).start()


def talkers(*options):
    """Clients that write and read at once, to the end; connections that are
    refused, or given up before they are there."""
    listener = socket.create_server((LOCAL, 0), backlog=100)
    full = socket.create_server((LOCAL, 0), backlog=0)
    script = write("talkers.py", TALKERS)
    waiting = [socket.socket() for _ in range(3)]
    for c in waiting:
        c.setblocking(False)
        c.connect_ex(full.getsockname())
    threading.Thread(target=echo_all, args=(listener,), daemon=True).start()
    ports = [s.getsockname()[1] for s in (listener, full)]
    same(run_inside("/usr/bin/python3", script, LOCAL, *ports, free_port(),
                    options=options), b"done\n")
    for s in (listener, full, *waiting):
        s.close()


def figures(*options):
    """--stats has what issue and operator ask for."""
    with Server(lambda port: ["redis-server", "--port", port, "--save", ""],
                "--stats", *options) as s:
        run("redis-benchmark", "-p", s.port, "-t", "set", "-q", "-n", 2000,
            "-c", 50)
        subprocess.run(["redis-cli", "-p", str(s.port), "shutdown", "nosave"],
                       timeout=WAIT, check=False)
        s.wait_end()
        out = s.output()
        for what in ("host I/O operations", "host I/O submissions",
                     "bytes from the host", "bytes to the host",
                     "host transitions"):
            same((what, what in out), (what, True))


# ---- all ----

# What each needs in an enclave's image.
NEEDS = (
    (python_http, "/usr/lib/python3.11"),
    (asyncio_echo, "/usr/lib/python3.11"),
    (node, ""),
    (java, "/usr/lib/jvm /etc/java-17-openjdk"),
    (go, ""),
)

def main():
    make_tree()
    for function in (redis, lighttpd, clients, udp, asyncio_echo, urgent,
                     talkers):
        for options in KINDS if LONG else KINDS[:3]:
            test(function, *options)
    for function in (redis, lighttpd, memcached):
        test(function, *ENCLAVE)
    for function, need in NEEDS if LONG else ():
        test(function, *ENCLAVE, need=need)
    for function in (redis_saves, python_http, memcached, node, java, go,
                     tls_client, figures):
        for options in KINDS if LONG else KINDS[:1]:
            test(function, *options)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Servers of Debian under enclos with clients outside, and clients under
enclos with servers outside. Loopback addresses only.

usage: servers.py [--long]

Prints "ok servers NAME" and "not ok servers NAME". A port is one that nobody
had a moment ago, below the range that the host gives to clients; a server that
finds it taken after all gets another.
"""
import hashlib
import http.server
import os
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ENCLOS = os.path.abspath(os.environ.get("ENCLOS", "build/bin/enclos"))
LONG = "--long" in sys.argv
WORK = tempfile.mkdtemp(prefix="enclos-servers.")
WAIT = 60  # seconds for anything: the machine may be busy
LOCAL = "127.0.0.1"
KINDS = ((), ("--cpus", "1"), ("--ring", "pool"))


def free_port():
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind((LOCAL, port))
                return port
            except OSError:
                pass


def fetch(port, data, end=None):
    """Sends data, returns what comes until the end or until `end` is there."""
    with socket.create_connection((LOCAL, port), WAIT) as s:
        s.sendall(data)
        got = bytearray()
        while not (end and end in got):
            chunk = s.recv(1 << 16)
            if not chunk:
                break
            got += chunk
        return bytes(got)


class Server:
    """A program that listens on self.port, in a process of our own."""

    def __init__(self, make_command, *options, native=False, ready=None):
        for _ in range(5):
            self.port = free_port()
            self.log = open(os.path.join(WORK, f"log{self.port}"), "w+b")
            command = [str(word) for word in make_command(self.port)]
            if not native:
                command = [ENCLOS, "run", "--root", "host", "--cwd", WORK,
                           *options] + command
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self.log,
                stderr=self.log, cwd=WORK)
            if self.wait_ready(ready):
                return
        raise RuntimeError("did not start: " + self.output())

    def wait_ready(self, ready):
        until = time.monotonic() + WAIT
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with socket.create_connection((LOCAL, self.port), WAIT):
                    return True
            except OSError:
                time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        return False

    def output(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def wait_end(self):
        return self.process.wait(WAIT)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(WAIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error:
            print(self.output()[-2000:])
        self.stop()


def run(*command, inside=(), **more):
    """A client, under enclos when `inside` is not empty: its output."""
    if inside:
        command = (ENCLOS, "run", "--root", "host", "--cwd", WORK,
                   *inside[1:]) + command
    done = subprocess.run([str(word) for word in command], timeout=WAIT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, cwd=WORK, **more)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}: "
                           f"{done.stderr[-500:]!r}")
    return done.stdout


def write(name, content):
    path = os.path.join(WORK, name)
    mode = "wb" if isinstance(content, bytes) else "w"
    with open(path, mode) as f:
        f.write(content)
    return path


def same(a, b):
    if a != b:
        raise AssertionError(f"{a!r:.300} is not {b!r:.300}")


BIG = random.Random(7).randbytes(12 << 20 if LONG else 3 << 20)
INDEX = b"an index\n"


def make_tree():
    os.makedirs(os.path.join(WORK, "www"), exist_ok=True)
    write("www/big", BIG)
    write("www/index.html", INDEX)
    write("www/10k", BIG[:10240])


def check_http(port):
    same(run("curl", "-sf", f"http://{LOCAL}:{port}/index.html"), INDEX)
    same(run("curl", "-sf", f"http://{LOCAL}:{port}/big"), BIG)


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

    with Server(command, *options) as s:
        check_http(s.port)
        killed_clients(s.port)
        slow_reader(s.port)
        if LONG:
            out = run("wrk", "-t1", "-c64", "-d10",
                      f"http://{LOCAL}:{s.port}/10k")
            same(b"Non-2xx" in out or b"Socket errors" in out, False)
        check_http(s.port)


def python_http(*options):
    with Server(lambda port: ["python3", "-m", "http.server", port, "--bind",
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
    with Server(lambda port: ["python3", script, port], *options) as s:
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
l = socket.create_server(("127.0.0.1", int(sys.argv[1])))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    data, name = s.recvfrom(65536)
    s.sendto(data[::-1], name)
""")
    with Server(lambda port: ["python3", script, port], *options) as s:
        c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        c.settimeout(WAIT)
        c.connect((LOCAL, s.port))
        for data in (b"abc", BIG[:60000], b"", b"z"):
            c.send(data)
            same(c.recv(65536), data[::-1])


# ---- clients inside ----

class Quiet(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args):
        super().__init__(*args, directory=WORK + "/www")

    def log_message(self, *args):
        pass


def clients(*options):
    inside = ("inside",) + options
    server = http.server.ThreadingHTTPServer((LOCAL, 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    try:
        url = f"http://{LOCAL}:{port}"
        same(run("curl", "-sf", url + "/big", inside=inside), BIG)
        same(run("wget", "-qO-", url + "/big", inside=inside), BIG)
        same(run("curl", "-sf", f"http://localhost:{port}/index.html",
                 inside=inside), INDEX)
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
        same(run("curl", "-sf", "--cacert", WORK + "/cert.pem",
                 f"https://localhost:{port}/big",
                 inside=("inside",) + options), BIG)
        out = run("openssl", "s_client", "-connect", f"{LOCAL}:{port}",
                  "-CAfile", WORK + "/cert.pem", "-brief",
                  inside=("inside",) + options)
        same(isinstance(out, bytes), True)
    finally:
        server.shutdown()
        server.server_close()


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

def test(name, function, *options):
    label = " ".join([name, *options])
    try:
        function(*options)
        print("ok servers", label, flush=True)
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc(file=sys.stdout)
        print("not ok servers", label, flush=True)


def main():
    make_tree()
    everywhere = (redis, lighttpd, clients, udp, asyncio_echo)
    for function in everywhere:
        for options in KINDS:
            test(function.__name__, function, *options)
    for function in (python_http, memcached, node, java, go, tls_client,
                     figures):
        for options in KINDS if LONG else KINDS[:1]:
            test(function.__name__, function, *options)


try:
    main()
finally:
    shutil.rmtree(WORK, ignore_errors=True)

# SPDX-License-Identifier: MIT
"""What the tests of servers share: starting a program under enclos, waiting
until it listens, running clients, comparing.

Loopback addresses only. A port is one that nobody had a moment ago, below the
range that the host gives to clients; a server that finds it taken after all
gets another. What a test writes is in WORK, which programs under enclos see;
an enclave sees a copy of it in its image.
"""
import atexit
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

ENCLOS = os.path.abspath(os.environ.get("ENCLOS", "build/bin/enclos"))
LONG = "--long" in sys.argv
WORK = tempfile.mkdtemp(prefix="enclos-servers.")
atexit.register(shutil.rmtree, WORK, True)
WAIT = 60  # seconds for anything: the machine may be busy
LOCAL = "127.0.0.1"
KINDS = ((), ("--cpus", "1"), ("--ring", "pool"),
         ("--cpus", "1", "--ring", "pool"))
ENCLAVE = ("--target", "sgx-emu")


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


def is_elf(path):
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF"


def copy_directory(path, tree):
    shutil.copytree(path, tree + path, symlinks=True, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("test", "__pycache__"))
    for where, _, names in os.walk(path):
        for name in names:
            full = os.path.join(where, name)
            if not os.path.islink(full) and is_elf(full):
                copy_closure(full, tree)


def copy_closure(path, tree):
    """A file with the libraries that it is linked against, or all in a
    directory."""
    if os.path.isdir(path):
        copy_directory(path, tree)
        return
    if os.path.islink(path):  # a program may look for what lies beside it
        os.makedirs(os.path.dirname(tree + path), exist_ok=True)
        if not os.path.lexists(tree + path):
            os.symlink(os.path.realpath(path), tree + path)
        path = os.path.realpath(path)
    linked = subprocess.run(["ldd", path], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, check=False).stdout
    for name in [path, *re.findall(r"/\S+", linked.decode())]:
        if not os.path.lexists(tree + name):
            os.makedirs(os.path.dirname(tree + name), exist_ok=True)
            shutil.copy2(os.path.realpath(name), tree + name)


# What the current test needs in an enclave's image, besides.
needs = []


def make_image(program, more):
    """An image with a program, more files, and what WORK has now."""
    tree = os.path.join(WORK, "image")
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("tmp", "proc", "dev", "sys", "etc", "run", "root",
                 "var/log"):
        os.makedirs(f"{tree}/{name}")
    os.chmod(tree + "/tmp", 0o1777)
    open(tree + "/var/log/lastlog", "wb").close()
    for name in ("passwd", "group", "hosts", "nsswitch.conf"):
        shutil.copy("/etc/" + name, f"{tree}/etc/{name}")
    for path in (program, *more, *needs):
        copy_closure(path, tree)
    os.makedirs(tree + WORK, exist_ok=True)
    for name in os.listdir(WORK):
        path = os.path.join(WORK, name)
        if name == "www":
            shutil.copytree(path, tree + path)
        elif os.path.isfile(path) and not name.endswith(".img"):
            shutil.copy2(path, tree + path)
    image = os.path.join(WORK, os.path.basename(program) + ".img")
    subprocess.run([ENCLOS, "build", tree, "-o", image], check=True,
                   stdout=subprocess.DEVNULL)
    return image


def inside(command, options, more=()):
    """The command line that runs `command` under enclos. more: files that an
    enclave needs besides the program and its libraries."""
    command = [str(word) for word in command]
    root = "host"
    if "--target" in options:
        command[0] = shutil.which(command[0])
        root = make_image(command[0], more)
    return [ENCLOS, "run", "--root", root, "--cwd", WORK, *options, *command]


class Server:
    """A program that listens on self.port, in a process of our own."""

    def __init__(self, make_command, *options, more=(), native=False):
        for _ in range(3):
            self.port = free_port()
            self.log = open(os.path.join(WORK, f"log{self.port}"), "w+b")
            command = [str(word) for word in make_command(self.port)]
            self.process = subprocess.Popen(
                command if native else inside(command, options, more),
                stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                cwd=WORK)
            if self.wait_ready():
                return
        raise RuntimeError("did not start: " + self.output())

    def wait_ready(self):
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


def run(*command, **more):
    """A client: its output."""
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



def words(names):
    """The paths of programs, and paths as they are."""
    return [shutil.which(name) or name for name in names.split()]


def test(function, *options, need=""):
    label = " ".join([function.__name__.replace("_", "-"), *options])
    needs[:] = words(need)
    try:
        function(*options)
        print("ok servers", label, flush=True)
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc(file=sys.stdout)
        print("not ok servers", label, flush=True)

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Servers, native beside ours, with the client on the host: redis, lighttpd,
nginx, iperf3; what never leaves the instance: a TCP echo, redis with
redis-benchmark; and how often an emulated enclave is left for a request of
redis. Each round runs all sides in turn, and a ratio is the median of the
rounds' own. The table is followed by a verdict for each figure that has a goal;
medians are written to OUT.json as run.py does. What fails is said, and the
rest goes on; the status is 1 then.

usage: network.py ENCLOS BINDIR OUT.json [ROUNDS [SECONDS [NAME...]]]
"""
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ENCLOS, BINDIR, OUT = map(os.path.abspath, sys.argv[1:4])
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 3
SECONDS = sys.argv[5] if len(sys.argv) > 5 else "3"
ONLY = sys.argv[6:]
WORK = tempfile.mkdtemp(prefix="enclos-bench.")
PORT = 26379
FEW = 20000  # requests of redis in an enclave
SIDES = {
    "native": [],
    "1 vCPU": ["--cpus", "1"],
    "2 vCPUs": ["--cpus", "2"],
    "1 vCPU, pool": ["--cpus", "1", "--ring", "pool"],
    "2 vCPUs, pool": ["--cpus", "2", "--ring", "pool"],
}
# The ratio to native that is wanted; the second word: at most or at least.
GOALS = {
    "redis-set": (1.0, "least"), "redis-get": (1.0, "least"),
    "redis-set-p16": (1.0, "least"), "redis-get-p16": (1.0, "least"),
    "redis-get-p99": (1.1, "most"), "lighttpd-10k": (0.95, "least"),
    "nginx-10k": (0.95, "least"), "iperf3": (0.95, "least"),
    "iperf3-reverse": (0.95, "least"), "redis-inside": (2.0, "least"),
}
# The same of values: nothing native to compare with.
LIMITS = {"tcp-echo-inside": 3000, "enclave-left": 0.2}
failures = []


def command(side, *words):
    if side == "native":
        return list(words)
    return [ENCLOS, "run", "--root", "host", "--cwd", WORK, *SIDES[side],
            *words]


def wait_for(process):
    """Until somebody listens."""
    for _ in range(1200):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    raise RuntimeError("it does not listen")


class Server:
    """Runs until the block ends."""

    def __init__(self, side, *words):
        self.process = subprocess.Popen(
            command(side, *words), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=WORK)

    def __enter__(self):
        wait_for(self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def output(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, check=True,
                          stderr=subprocess.DEVNULL, cwd=WORK,
                          timeout=120).stdout.decode()


def redis_bench(*more):
    out = output("redis-benchmark", "-p", str(PORT), "-t", "set,get", "--csv",
                 "-c", "50", *more)
    rows = [[w.strip('"') for w in line.split(",")]
            for line in out.splitlines()[1:]]
    return {r[0]: (float(r[1]), float(r[6])) for r in rows}


def redis(side):
    with Server(side, "redis-server", "--port", str(PORT), "--save", ""):
        one = redis_bench("-n", "60000")
        many = redis_bench("-n", "400000", "-P", "16")
    return {"redis-set": one["SET"][0], "redis-get": one["GET"][0],
            "redis-get-p99": one["GET"][1],
            "redis-set-p16": many["SET"][0], "redis-get-p16": many["GET"][0]}


def wrk():
    out = output("wrk", "-t1", "-c64", f"-d{SECONDS}",
                 f"http://127.0.0.1:{PORT}/10k")
    return float(re.search(r"Requests/sec: +([\d.]+)", out)[1])


def lighttpd(side):
    with Server(side, "lighttpd", "-D", "-f", WORK + "/lighttpd.conf"):
        return {"lighttpd-10k": wrk()}


def nginx(side):
    found = {}
    for workers, name in ((1, "nginx-10k"), (4, "nginx-4-workers")):
        with open(f"{WORK}/nginx{workers}.conf", "w") as f:
            f.write(f"""
user root; daemon off; worker_processes {workers}; pid {WORK}/pid;
error_log /dev/null;
events {{ worker_connections 1024; }}
http {{ access_log off;
    client_body_temp_path /tmp/a; proxy_temp_path /tmp/b;
    fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
    server {{ listen 127.0.0.1:{PORT}; root {WORK}; }} }}
""")
        with Server(side, "nginx", "-c", f"{WORK}/nginx{workers}.conf"):
            found[name] = wrk()
    return found


def iperf3(side):
    with Server(side, "iperf3", "-s", "-p", str(PORT)):
        time.sleep(0.5)  # it takes the look at its port for a client
        out = json.loads(output("iperf3", "-c", "127.0.0.1", "-p", str(PORT),
                                "-t", SECONDS, "-J"))
        time.sleep(0.5)  # it closes its port between two tests
        back = json.loads(output("iperf3", "-c", "127.0.0.1", "-p", str(PORT),
                                 "-t", SECONDS, "-J", "-R"))
    return {"iperf3": out["end"]["sum_received"]["bits_per_second"] / 1e6,
            "iperf3-reverse":
                back["end"]["sum_received"]["bits_per_second"] / 1e6}


def echo(side):
    out = output(*command(side, BINDIR + "/echo"))
    return {"tcp-echo-inside": float(out.split()[1])}


def redis_inside(side):
    script = (f"redis-server --port {PORT} --save '' >/dev/null & "
              f"until redis-cli -p {PORT} ping >/dev/null 2>&1; do :; done; "
              f"redis-benchmark -p {PORT} -t get --csv -n 60000 -c 50; "
              f"redis-cli -p {PORT} shutdown nosave; wait")
    out = output(*command(side, "bash", "-c", script))
    return {"redis-inside": float(re.search(r'"GET","([\d.]+)"', out)[1])}


def enclave(side):
    """Transitions of the host for a request, and requests a second."""
    if side == "native":
        return {}
    words = [ENCLOS, "run", "--target", "sgx-emu", "--stats", *SIDES[side],
             shutil.which("redis-server"), "--port", str(PORT), "--save", "",
             "--dir", "/tmp"]
    with open(WORK + "/stats", "w+") as log:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=log)
        wait_for(process)
        rate = redis_bench("-n", str(FEW))["GET"][0]
        output("redis-cli", "-p", str(PORT), "shutdown", "nosave")
        process.wait(60)
        log.seek(0)
        left = re.search(r"(\d+) host transitions", log.read())
    return {"enclave-redis-get": rate,
            "enclave-left": int(left[1]) / (2 * FEW)}


def ratios(found, name, side):
    """Of the rounds in which there is a native value."""
    native = found["native"].get(name, {})
    return [v / native[r] for r, v in found[side].get(name, {}).items()
            if native.get(r)]


def median_of(found, name, side):
    values = found[side].get(name, {}).values()
    return statistics.median(values) if values else None


def row(found, name):
    line = f"{name:<18}"
    for side in SIDES:
        v = median_of(found, name, side)
        text = "-" if v is None else f"{v:,.2f}" if v < 100 else f"{v:,.0f}"
        of = ratios(found, name, side) if side != "native" else []
        line += f"{text:>13}" + (f" {statistics.median(of):5.2f}" if of else
                                 "      ")
    return line


def verdicts(found):
    for name, (goal, kind) in GOALS.items():
        for side in list(SIDES)[1:]:
            of = ratios(found, name, side)
            if of:
                v = statistics.median(of)
                good = v >= goal if kind == "least" else v <= goal
                yield (good, f"{name}, {side}: {v:.2f} of native, "
                       f"at {kind} {goal}")
    for name, limit in LIMITS.items():
        for side in list(SIDES)[1:]:
            v = median_of(found, name, side)
            if v is not None:
                yield v <= limit, f"{name}, {side}: {v:.2f}, at most {limit}"


def show(found):
    names = list(dict.fromkeys(n for side in SIDES for n in found[side]))
    print(f"{'':<18}" + "".join(f"{side:>13}      " for side in SIDES))
    for name in names:
        print(row(found, name))
    for good, text in verdicts(found):
        print("holds      " if good else "falls short", text)
    for text in failures:
        print("failed     ", text)
    table = {name: {side: round(median_of(found, name, side), 3)
                    for side in SIDES if name in found[side]}
             for name in names}
    with open(OUT, "w") as f:
        json.dump(table, f, indent=1)
        f.write("\n")


def measure(found, bench, side, number):
    try:
        values = bench(side)
    except Exception as e:  # pylint: disable=broad-except
        failures.append(f"{bench.__name__}, {side}: {e!r}")
        return
    for name, value in values.items():
        found[side].setdefault(name, {})[number] = value


def main():
    with open(WORK + "/10k", "wb") as f:
        f.write(os.urandom(10240))
    with open(WORK + "/lighttpd.conf", "w") as f:
        f.write(f'server.document-root = "{WORK}"\nserver.port = {PORT}\n'
                'server.bind = "127.0.0.1"\n')
    found = {side: {} for side in SIDES}
    for number in range(ROUNDS):
        for bench in (redis, lighttpd, nginx, iperf3, echo, redis_inside,
                      enclave):
            if ONLY and bench.__name__ not in ONLY:
                continue
            print(f"# round {number + 1}: {bench.__name__}", file=sys.stderr,
                  flush=True)
            for side in SIDES:
                measure(found, bench, side, number)
    show(found)
    return 1 if failures else 0


try:
    sys.exit(main())
finally:
    shutil.rmtree(WORK, ignore_errors=True)

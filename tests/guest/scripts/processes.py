# Python's ways to have processes.
import multiprocessing as mp
import os
import subprocess
import sys
from multiprocessing import shared_memory


def square(x):
    return x * x


def add(value, times):
    for _ in range(times):
        with value.get_lock():
            value.value += 1


def fill(name, at):
    memory = shared_memory.SharedMemory(name)
    memory.buf[at] = at + 1
    memory.close()


def put(queue, i):
    queue.put((i, "x" * i))


def talk(end):
    for _ in range(10):
        end.send(end.recv() + 1)
    end.close()


def main():
    with mp.Pool(3) as pool:
        print(pool.map(square, range(20)))
    value = mp.Value("i", 0)
    run(mp.Process(target=add, args=(value, 100)) for _ in range(3))
    print(value.value)
    queue = mp.Queue()
    run(mp.Process(target=put, args=(queue, i)) for i in range(4))
    print(sorted(queue.get() for _ in range(4)))
    ours, theirs = mp.Pipe()
    p = mp.Process(target=talk, args=(theirs,))
    p.start()
    n = 0
    for _ in range(10):
        ours.send(n)
        n = ours.recv()
    p.join()
    print(n, p.exitcode)
    out = subprocess.run(["sort", "-r"], input=b"a\nb\n", capture_output=True)
    print(out.stdout, out.returncode)
    both = subprocess.Popen("echo out; echo err >&2; exit 3", shell=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    print(both.communicate(), both.returncode)
    pid = os.fork()
    if pid == 0:
        sys.stdout.flush()
        os._exit(9)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    spawned = mp.get_context("spawn").Process(target=print, args=("spawned",))
    sys.stdout.flush()
    spawned.start()
    spawned.join()
    print(spawned.exitcode)
    server = mp.get_context("forkserver")
    with server.Pool(2) as pool:
        print(pool.map(square, range(5)), pool.apply_async(divmod, (7, 2)).get())
    queue = server.Queue()
    run(server.Process(target=put, args=(queue, i)) for i in range(2))
    print(sorted(queue.get() for _ in range(2)))
    memory = shared_memory.SharedMemory(create=True, size=64)
    run(mp.Process(target=fill, args=(memory.name, i)) for i in range(5))
    print(bytes(memory.buf[:6]))
    memory.close()
    memory.unlink()


def run(processes):
    processes = list(processes)
    for p in processes:
        p.start()
    for p in processes:
        p.join()


if __name__ == "__main__":
    main()

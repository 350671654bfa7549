# SPDX-License-Identifier: MIT
"""Python's modules that lean on the kernel or on C libraries."""
import ctypes
import decimal
import errno
import mmap
import os
import select
import signal
import ssl
import struct
import tempfile
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
print("ctypes", libc.abs(-7), libc.open(b"/no/such", 0),
      errno.errorcode[ctypes.get_errno()])
buf = ctypes.create_string_buffer(8)
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int),
                           ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 5)(5, 1, 4, 2, 3)
libc.qsort(numbers, 5, 4, compare(lambda a, b: a[0] - b[0]))
print(list(numbers))

decimal.getcontext().prec = 60
print("decimal", decimal.Decimal(2).sqrt(), decimal.Decimal(1) / 7)

ctx = ssl.create_default_context()
print("ssl", ctx.verify_mode.name, ssl.RAND_status(), len(ssl.RAND_bytes(9)))

with tempfile.TemporaryFile() as f:
    f.truncate(8192)
    m = mmap.mmap(f.fileno(), 8192)
    m[4096:4100] = b"page"
    f.seek(4096)
    print("mmap", f.read(4), m.find(b"page"))
    m.close()

r, w = os.pipe()
p = select.poll()
p.register(r, select.POLLIN)
print("poll", p.poll(0))
os.write(w, b"x")
print(p.poll(1000) == [(r, select.POLLIN)], select.select([r], [w], [], 1)
      == ([r], [w], []))
e = select.epoll()
e.register(r, select.EPOLLIN | select.EPOLLET)
print("epoll", len(e.poll(1)), len(e.poll(0)))

hits = []
signal.signal(signal.SIGALRM, lambda s, f: hits.append(s))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
end = time.monotonic() + 60
while len(hits) < 5 and time.monotonic() < end:
    time.sleep(0.02)
signal.setitimer(signal.ITIMER_REAL, 0)
print("signals", len(hits) >= 5, hits[0].name if hasattr(hits[0], "name")
      else signal.Signals(hits[0]).name)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
print(signal.sigwait([signal.SIGUSR1]).name)
print("struct", struct.pack("<id", 1, 2.5).hex(), os.cpu_count() > 0)

# SPDX-License-Identifier: MIT
# Python's mmap module: every kind of access, and a mapping that is resized.
import mmap
import os

fd = os.open("/tmp/map", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 10000)
with mmap.mmap(fd, 10000, access=mmap.ACCESS_WRITE) as m:
    m[5000:5005] = b"hello"
    print(os.pread(fd, 5, 5000))
    os.pwrite(fd, b"HELLO", 9000)
    print(m[9000:9005], m.find(b"hello"), m.size())
    m.flush()
    m.resize(20000)
    m[19990:19995] = b"tails"
    print(len(m), os.fstat(fd).st_size, os.pread(fd, 5, 19990))
    m.seek(5000)
    print(m.read(5), m.rfind(b"tails"))
with mmap.mmap(fd, 0, access=mmap.ACCESS_COPY) as m:
    m[0:3] = b"own"
    print(m[:3], os.pread(fd, 3, 0))
with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as m:
    print(m[5000:5005])
    try:
        m[0] = 1
    except TypeError as e:
        print(e)
with mmap.mmap(-1, 8192) as m:
    m.write(b"anonymous")
    print(m[:9])
try:
    mmap.mmap(fd, 100, offset=1 << 20)
except ValueError as e:
    print(e)

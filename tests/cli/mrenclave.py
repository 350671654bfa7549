#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""MRENCLAVE, root hash and policy hash of a bundle, by docs/IMAGE.md alone:
shares nothing with tools/ and target/sgx/layout.c. Usage: mrenclave.py FILE"""
import hashlib
import struct
import sys

PAGE = 4096
R, W, X = 1, 2, 4
TCS, REG = 0x100, 0x200


def u(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def pad(data):
    return data + bytes(-len(data) % PAGE)


def segments(elf):
    """(type, flags, offset, vaddr, filesz, memsz) of each program header."""
    for i in range(u(elf, 56, 2)):
        at = u(elf, 32, 8) + 56 * i
        yield (u(elf, at, 4), u(elf, at + 4, 4), u(elf, at + 8, 8),
               u(elf, at + 16, 8), u(elf, at + 32, 8), u(elf, at + 40, 8))


def relocate(elf, base):
    """The file with its R_X86_64_RELATIVE relocations applied."""
    out = bytearray(elf)

    def offset(vaddr):
        for kind, _, off, start, filesz, _ in segments(elf):
            if kind == 1 and start <= vaddr < start + filesz:
                return off + vaddr - start
        raise ValueError("address outside of the file")

    rela = size = 0
    for kind, _, off, _, filesz, _ in segments(elf):
        if kind == 2:
            for at in range(off, off + filesz, 16):
                tag, value = u(elf, at, 8), u(elf, at + 8, 8)
                if tag == 0:
                    break
                rela = value if tag == 7 else rela
                size = value if tag == 8 else size
    for i in range(size // 24):
        at = offset(rela) + 24 * i
        where, info, addend = struct.unpack_from("<QQq", elf, at)
        assert info & 0xffffffff == 8
        struct.pack_into("<Q", out, offset(where), base + addend)
    return bytes(out)


class Enclave:
    def __init__(self, size):
        record = b"ECREATE\0" + struct.pack("<IQ", 1, size)
        self.sha = hashlib.sha256(record.ljust(64, b"\0"))

    def page(self, offset, flags, content, measured=True):
        record = b"EADD\0\0\0\0" + struct.pack("<QQ", offset, flags)
        self.sha.update(record.ljust(64, b"\0"))
        for at in range(0, PAGE if measured else 0, 256):
            record = b"EEXTEND\0" + struct.pack("<Q", offset + at)
            self.sha.update(record.ljust(64, b"\0"))
            self.sha.update(content[at:at + 256])

    def pages(self, offset, flags, content):
        content = pad(content)
        for at in range(0, len(content), PAGE):
            self.page(offset + at, flags, content[at:at + PAGE])


def info_page(policy, sgx1):
    """struct sgx_info: the enclave's map."""
    memory = u(policy, 32, 8)
    low, mib = 0x10000, 1 << 20
    if sgx1:
        size = 1 << 36
        heap = max(memory // 4, 64 * mib)
        heap += -heap % (2 * mib)
        user = (low, low + (memory - heap + PAGE - 1) // PAGE * PAGE)
        kernel = (size // 2, size // 2 + heap)
        meta = (kernel[1], kernel[1] + 2 * mib + memory // 1024)
        meta = (meta[0], meta[1] + -meta[1] % (2 * mib))
    else:
        size, memory = 1 << 46, 0
        middle = 1 << 45
        user = (low, middle)
        kernel = (middle, middle + (1 << 40))
        meta = (middle + (2 << 40), middle + (2 << 40) + (1 << 36))
    head = b"ENCLSGX\0" + struct.pack(
        "<IIIIQ", 1, u(policy, 24, 4), u(policy, 28, 4), u(policy, 12, 4), size)
    head += struct.pack("<QQQQQQQ", *user, *kernel, *meta, memory)
    return size, user, (kernel[0], meta[1]), head.ljust(128, b"\0")


def measure(kernel, policy):
    sgx1 = u(policy, 24, 4) == 2
    size, user, heap, info = info_page(policy, sgx1)
    top = size - (1 << 32)
    kernel_at = top + 0x1000000
    e = Enclave(size)
    e.pages(top, REG | R, info)
    e.pages(top + 0x1000, REG | R, policy)
    for vcpu in range(u(policy, 28, 4) if sgx1 else 1):
        block = top + 0x100000 + (vcpu << 17)
        tcs = struct.pack("<QQQIIQQQQII", 0, 0, block + 0x1000, 0, 3,
                          kernel_at + u(kernel, 24, 8), 0,
                          block + 0x4000, block + 0x4000,
                          0xffffffff, 0xffffffff)
        # OENTRY, OFSBASE and OGSBASE are offsets; ELRANGE starts at 0.
        e.page(block, TCS, pad(tcs))
        for first, last in ((0x1000, 0x6000), (0x7000, 0x9000),
                            (0xa000, 0x12000)):
            for at in range(first, last, PAGE):
                e.page(block + at, REG | R | W, bytes(PAGE))
    image = relocate(kernel, kernel_at)
    for kind, flags, off, vaddr, filesz, memsz in segments(kernel):
        if kind != 1:
            continue
        rights = R | (W if flags & 2 else 0) | (X if flags & 1 else 0)
        content = image[off:off + filesz]
        content += bytes(memsz - filesz)
        e.pages(kernel_at + vaddr, REG | rights, content)
    if sgx1:
        for start, end in (user, heap):
            for at in range(start, end, PAGE):
                e.page(at, REG | R | W | X, b"", False)
    return e.sha.hexdigest()


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    if data[-64:-56] == b"ENCLPKG\0":
        at, size = u(data, len(data) - 56, 8), u(data, len(data) - 48, 8)
        data = data[at:at + size]
    assert data[:8] == b"ENCLBND\0"
    kernel = data[u(data, 24, 8):][:u(data, 32, 8)]
    policy = data[u(data, 40, 8):][:u(data, 48, 8)]
    print("mrenclave:", measure(kernel, policy))
    print("root_hash:", policy[72:104].hex())
    print("policy_hash:", hashlib.sha256(policy).hexdigest())


main()

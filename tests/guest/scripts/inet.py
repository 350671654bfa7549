# SPDX-License-Identifier: MIT
"""Sockets of AF_INET and AF_INET6 between own sockets: prints the same
natively and under enclos. No ports, no times."""
import errno
import os
import select
import socket
import struct
import threading

LINGER_NOT = struct.pack("ii", 1, 0)


def tried(f, *args):
    try:
        return f(*args)
    except socket.timeout:
        return "timeout"
    except OSError as e:
        return errno.errorcode[e.errno]


def pair(address="127.0.0.1", family=socket.AF_INET):
    """listening, client, server"""
    listening = socket.create_server((address, 0), family=family)
    client = socket.create_connection(listening.getsockname()[:2])
    return listening, client, listening.accept()[0]


def streams():
    listening, c, a = pair()
    port = listening.getsockname()[1]
    print("port", port > 0, "listens",
          listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN),
          c.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    print("names", a.getpeername() == c.getsockname(),
          a.getsockname() == ("127.0.0.1", port) == c.getpeername())
    print("accept", tried(c.accept), tried(c.listen),
          tried(c.connect, ("127.0.0.1", port)))
    listening.setblocking(False)
    print("nobody comes", tried(listening.accept))
    c.sendall(b"hello")
    print(a.recv(3, socket.MSG_PEEK), a.recv(100),
          tried(a.recv, 1, socket.MSG_DONTWAIT))
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print("nodelay", c.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    c.sendall(b"0123456789")
    print(a.recv(10, socket.MSG_WAITALL), a.recv_into(bytearray(0)))
    a.sendmsg([b"ab", b"", b"cd"])
    print(c.recv(4, socket.MSG_WAITALL))

    big, got = os.urandom(3 << 20), bytearray()

    def read_all():
        while data := a.recv(1 << 16):
            got.extend(data)

    t = threading.Thread(target=read_all)
    t.start()
    c.sendall(big)
    c.shutdown(socket.SHUT_WR)
    t.join()
    print("3 MB", got == big, tried(c.send, b"x", socket.MSG_NOSIGNAL))
    a.sendall(b"back")
    print(c.recv(4, socket.MSG_WAITALL))
    a.close()
    print("end", c.recv(10), c.recv(10))
    c.close()
    listening.close()
    s = socket.socket()
    print("closed", tried(s.connect, ("127.0.0.1", port)))
    s.setblocking(False)
    print(tried(s.connect, ("127.0.0.1", port)) in
          ("EINPROGRESS", "ECONNREFUSED"))
    select.select([], [s], [], 10)
    s.close()
    again = socket.create_server(("127.0.0.1", port))
    print("bound again", again.getsockname()[1] == port)
    other = socket.socket()
    print(tried(other.bind, ("127.0.0.1", port)),
          tried(other.bind, ("203.0.113.7", 0)),
          tried(again.bind, ("127.0.0.1", 0)))


def without_waiting():
    listening, c, a = pair()
    s = socket.socket()
    print("unconnected", tried(s.getpeername), tried(s.recv, 1),
          tried(s.send, b"1", socket.MSG_NOSIGNAL), tried(s.shutdown, 1),
          tried(s.accept))
    s.setblocking(False)
    print(tried(s.connect, listening.getsockname()) in (None, "EINPROGRESS"))
    print(select.select([], [s], [], 10)[1] == [s],
          s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    print(tried(s.recv, 1))
    s.close()
    a.setblocking(False)
    chunk, sent = bytes(1 << 16), 0
    while (n := tried(a.send, chunk)) != "EAGAIN":
        sent += n
    print("full", select.select([], [a], [], 0)[1] == [])
    while sent:
        sent -= len(c.recv(min(sent, 1 << 20)))
    print("drained", select.select([], [a], [], 10)[1] == [a])
    c.settimeout(0.05)
    print(tried(c.recv, 1))


def edges():
    listening, c, a = pair()
    p = select.epoll()
    a.setblocking(False)
    p.register(a, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET |
               select.EPOLLRDHUP)
    print([hex(e) for _, e in p.poll(10)], p.poll(0.05))
    for data in (b"1", b"2"):
        c.send(data)
        print([hex(e) for _, e in p.poll(10)], p.poll(0.05))
    c.close()
    print([hex(e) for _, e in p.poll(10)], a.recv(5), a.recv(5))
    a.close()
    listening.close()


def resets():
    listening, c, a = pair("::1", socket.AF_INET6)
    c.send(b"6")
    print(a.recv(9), c.getpeername()[0])
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    c.close()
    print("reset", tried(a.recv, 1), tried(a.recv, 1))
    c = socket.create_connection(listening.getsockname()[:2])
    a = listening.accept()[0]
    c.send(b"never read")
    select.select([a], [], [], 10)
    a.close()
    print("unread", tried(c.recv, 1))
    print(tried(socket.socket(socket.AF_INET6).bind, listening.getsockname()))


def datagrams():
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    print("nowhere", tried(b.send, b"1"), tried(b.getpeername))
    a.bind(("127.0.0.1", 0))
    b.sendto(b"datagram", a.getsockname())
    data, source = a.recvfrom(100)
    print(data, source[0])
    b.sendto(b"", a.getsockname())
    print(a.recvfrom(10)[0])
    b.sendto(b"0123456789", a.getsockname())
    data, _, flags, _ = a.recvmsg(4)
    print(data, flags & socket.MSG_TRUNC != 0,
          tried(a.recv, 1, socket.MSG_DONTWAIT))
    a.sendto(b"r" * 60000, source)
    print(len(b.recv(65536)), tried(b.sendto, bytes(70000), source))
    b.connect(a.getsockname())
    b.send(b"connected")
    print(a.recv(20), b.getsockname()[0])
    a.close()
    b.send(b"x")
    print("refused", select.select([b], [], [], 10)[0] == [b],
          tried(b.send, b"y"))


def errors():
    for args in ((socket.AF_INET, socket.SOCK_STREAM, 17),
                 (socket.AF_INET, socket.SOCK_DGRAM, 6),
                 (socket.AF_INET, socket.SOCK_SEQPACKET, 0),
                 (socket.AF_INET, 77, 0)):
        print(args[1:], tried(socket.socket, *args))
    s = socket.socket()
    print(tried(s.setsockopt, socket.IPPROTO_TCP, socket.TCP_NODELAY, b"1"),
          tried(s.setsockopt, socket.IPPROTO_TCP, 99, 1),
          tried(s.getsockopt, socket.IPPROTO_TCP, 99))


for part in (streams, without_waiting, edges, resets, datagrams, errors):
    print(part.__name__ + ":")
    part()

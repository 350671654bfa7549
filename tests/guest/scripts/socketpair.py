# SPDX-License-Identifier: MIT
# socketpair(2) of AF_UNIX streams: what works on an end, and the errors.
import array
import errno
import fcntl
import os
import select
import signal
import socket
import termios
import threading


def show(call):
    try:
        print(call())
    except OSError as e:
        print(errno.errorcode[e.errno])


def moving():
    a, b = socket.socketpair()
    print(a.send(b"hello"), b.recv(3), b.recv(9, socket.MSG_PEEK), b.recv(9))
    show(lambda: b.recv(1, socket.MSG_DONTWAIT))
    poll = select.poll()
    poll.register(b)
    print(poll.poll(0))
    a.sendall(b"x" * 100000)
    print(poll.poll(0))
    waiting = array.array("i", [0])
    fcntl.ioctl(b, termios.FIONREAD, waiting)
    print(waiting[0], len(b.recv(100000, socket.MSG_WAITALL)))
    a.shutdown(socket.SHUT_WR)
    print(b.recv(5), poll.poll(0))
    show(lambda: a.send(b"x"))
    print(b.send(b"back"), a.recv(9), b.send(b"unread"))
    a.close()
    print(poll.poll(0))
    show(lambda: b.recv(5))
    show(lambda: b.recv(5))
    show(lambda: b.send(b"x", socket.MSG_NOSIGNAL))
    signal.signal(signal.SIGPIPE, lambda s, f: print("SIGPIPE"))
    show(lambda: os.write(b.fileno(), b"x"))


def streaming():
    a, b = socket.socketpair()
    got = bytearray()

    def reader():
        while data := b.recv(70000):
            got.extend(data)

    t = threading.Thread(target=reader)
    t.start()
    sent = os.urandom(3000000)
    a.sendall(sent)
    a.close()
    t.join()
    print(bytes(got) == sent)


def waking():
    a, b = socket.socketpair()
    got = []
    t = threading.Thread(target=lambda: got.append(b.recv(5)))
    t.start()
    b.shutdown(socket.SHUT_RD)
    t.join()
    print(got)
    show(lambda: a.send(b"x"))
    epoll = select.epoll()
    epoll.register(b, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)
    print(epoll.poll(0))
    a.close()
    print(epoll.poll(1))


def asking():
    a, b = socket.socketpair()
    for option in "SO_TYPE", "SO_ERROR", "SO_DOMAIN", "SO_ACCEPTCONN":
        print(option, a.getsockopt(socket.SOL_SOCKET, getattr(socket, option)))
    print(a.getsockname(), a.getpeername())
    print(oct(os.fstat(a.fileno()).st_mode), os.get_inheritable(a.fileno()))
    link = "/proc/self/fd/%d" % a.fileno()
    print(os.readlink(link).split(":")[0])
    show(lambda: os.open(link, os.O_RDONLY))
    show(lambda: b.sendto(b"x", "/tmp/x"))
    show(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 5))
    show(lambda: socket.socketpair(socket.AF_UNIX, 9))
    show(lambda: socket.socket(fileno=os.open("/dev/null", os.O_RDONLY)))
    show(lambda: socket.socket(fileno=99))


moving()
streaming()
waking()
asking()

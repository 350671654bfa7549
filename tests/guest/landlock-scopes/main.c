/* SPDX-License-Identifier: MIT
 *
 * Landlock from version 5 on: ioctl(2) on devices, abstract sockets and signals
 * that stay within a domain, flags about a log that is not kept here; and which
 * of its errors comes first. Words alone where Linux has less than version 7.
 */
#include <linux/landlock.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#define CREATE   444
#define ADD      445
#define RESTRICT 446

enum { IOCTL_DEV = 0x8000, MAKE_DIR = 0x80, REMOVE_DIR = 0x10 };
enum { SOCKETS = 1, SIGNALS = 2 };

struct attr {
    uint64_t fs, net, scoped;
};

struct beneath {
    uint64_t access;
    int32_t parent;
} __attribute__((packed));

static int ruleset(uint64_t fs, uint64_t scoped)
{
    struct attr a = {fs, 0, scoped};

    errno = 0;
    return (int)syscall(CREATE, &a, sizeof(a), 0);
}

static void allow(int set, const char *path, uint64_t access)
{
    struct beneath b = {access, open(path, O_PATH | O_CLOEXEC)};

    must("rule", syscall(ADD, set, 1, &b, 0) == 0);
    close(b.parent);
}

static void enforce(int set, unsigned flags)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    must("enforced", syscall(RESTRICT, set, flags) == 0);
    close(set);
}

static int is(long r, int error)
{
    return old || (r == -1 && errno == error);
}

static int works(long r)
{
    return old || r >= 0;
}

static void in_child(const char *what, void (*fn)(void))
{
    int pid, status;

    title(what);
    pid = fork();
    if (!pid) {
        fn();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    printf("status %x\n", status);
}

static void calls(void)
{
    int set;

    must("version", syscall(CREATE, NULL, 0L, 1) >= 7);
    must("errata", syscall(CREATE, NULL, 0L, 2) >= 0);
    must("both", is(syscall(CREATE, NULL, 0L, 3), EINVAL));
    must("no access", is(ruleset(0x10000, 0), EINVAL));
    must("no scope", is(ruleset(0, 4), EINVAL));
    must("nothing", is(ruleset(0, 0), ENOMSG));
    set = ruleset(0, SOCKETS | SIGNALS);
    must("scopes alone", works(set));
    must("privileges", works(syscall(RESTRICT, set, 0)));
    must("flag", is(syscall(RESTRICT, set, 8), EINVAL));
    must("no ruleset", is(syscall(RESTRICT, -1, 0), EBADF));
    must("no ruleset needed", works(syscall(RESTRICT, -1, 4)));
    must("but for that", is(syscall(RESTRICT, -1, 5), EBADF));
    must("flags", works(syscall(RESTRICT, set, 7)));
}

/* ---- devices ---- */

static void devices(void)
{
    int before = open("/dev/zero", O_RDONLY), set = ruleset(IOCTL_DEV, 0);
    int null, zero, file, on = 0;

    allow(set, "/dev/null", IOCTL_DEV);
    enforce(set, 0);
    null = open("/dev/null", O_RDWR);
    zero = open("/dev/zero", O_RDWR);
    file = open("/tmp/file", O_RDONLY);
    must("allowed", is(ioctl(null, TCGETS, 16), ENOTTY));
    must("not allowed", is(ioctl(zero, TCGETS, 16), EACCES));
    must("whatever it is", is(ioctl(zero, 0x12345678, 16), EACCES));
    must("no number of bytes", is(ioctl(zero, FIONREAD, &on), EACCES));
    must("opened before", is(ioctl(before, TCGETS, 16), ENOTTY));
    must("not of the device", works(ioctl(zero, FIONBIO, &on)));
    must("nor this", works(ioctl(zero, FIOCLEX, 0)));
    must("a file", works(ioctl(file, FIONREAD, &on)));
}

/* ---- sockets ---- */

static const char *name;

static int make(int type, int bound)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0), err;

    strcpy(a.sun_path + (*name != '/'), name);
    err = bound ? bind(fd, (void *)&a, sizeof(a))
                : connect(fd, (void *)&a, sizeof(a));
    if (bound && !err && type != SOCK_DGRAM) {
        err = listen(fd, 5);
    }
    return err ? -1 : fd;
}

static long send_by_name(int fd)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    strcpy(a.sun_path + 1, name);
    errno = 0;
    return sendto(fd, "x", 1, 0, (void *)&a, sizeof(a));
}

static void from_inside(void)
{
    enforce(ruleset(0, SOCKETS), 0);
    name = "stream";
    must("stream", is(make(SOCK_STREAM, 0), EPERM));
    name = "packets";
    must("packets", is(make(SOCK_SEQPACKET, 0), EPERM));
    name = "datagram";
    must("datagram", is(make(SOCK_DGRAM, 0), EPERM));
    must("sent", is(send_by_name(socket(AF_UNIX, SOCK_DGRAM, 0)), EPERM));
    name = "none";
    must("nobody", is(make(SOCK_STREAM, 0), ECONNREFUSED));
    name = "stream";
    must("other type", is(make(SOCK_DGRAM, 0), ECONNREFUSED));
    name = "/tmp/path";
    must("by path", works(make(SOCK_STREAM, 0)));
    name = "own";
    must("own", works(make(SOCK_STREAM, 1)));
    must("to it", works(make(SOCK_STREAM, 0)));
    enforce(ruleset(0, SOCKETS), 0);
    must("no more", is(make(SOCK_STREAM, 0), EPERM));
}

static int connected;

static void already(void)
{
    enforce(ruleset(0, SOCKETS), 0);
    name = "datagram";
    must("on what was connected", works(send(connected, "x", 1, 0)));
    must("by name, too", works(send_by_name(connected)));
}

static void sockets(void)
{
    name = "stream";
    make(SOCK_STREAM, 1);
    name = "packets";
    make(SOCK_SEQPACKET, 1);
    name = "datagram";
    make(SOCK_DGRAM, 1);
    connected = make(SOCK_DGRAM, 0);
    name = "/tmp/path";
    make(SOCK_STREAM, 1);
    in_child("from inside", from_inside);
    in_child("connected", already);
    name = "stream";
    must("from outside", works(make(SOCK_STREAM, 0)));
}

/* ---- signals ---- */

static int parent, got;

static void count(int sig)
{
    got++;
}

static void to_outside(void)
{
    int in[2], child, status;

    enforce(ruleset(0, SIGNALS), 0);
    must("parent", is(kill(parent, 0), EPERM));
    must("thread", is(syscall(SYS_tgkill, parent, parent, SIGUSR1), EPERM));
    must("group", is(kill(-getpgid(parent), SIGUSR1), EPERM));
    must("number", is(kill(parent, 99), EINVAL));
    must("self", works(kill(getpid(), 0)));
    child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    must("child", works(kill(child, SIGTERM)));
    waitpid(child, &status, 0);
    must("died", old || status == SIGTERM);
    pipe2(in, O_NONBLOCK);
    must("owner", works(fcntl(in[0], F_SETOWN, parent)));
    must("told", works(fcntl(in[0], F_GETOWN) == parent ? 0 : -1));
    fcntl(in[0], F_SETSIG, SIGUSR1);
    fcntl(in[0], F_SETFL, O_ASYNC | O_NONBLOCK);
    must("written", works(write(in[1], "x", 1)));
}

static void signals(void)
{
    int pid, status, up[2];
    char c;

    setpgid(0, 0);
    parent = getpid();
    signal(SIGUSR1, count);
    in_child("to outside", to_outside);
    must("none came", old || got == 0);
    pipe(up);
    pid = fork();
    if (!pid) {
        enforce(ruleset(0, SIGNALS), 0);
        write(up[1], "x", 1);
        pause();
        _exit(0);
    }
    read(up[0], &c, 1);
    must("to inside", works(kill(pid, SIGTERM)));
    waitpid(pid, &status, 0);
    must("died", status == SIGTERM);
}

/* ---- which error ---- */

static void order(void)
{
    mkdir("/tmp/m", 0755);
    mount("none", "/tmp/m", "tmpfs", 0, "");
    mkdir("/tmp/m/d", 0755);
    mount("none", "/tmp/m", NULL, MS_REMOUNT | MS_RDONLY, "");
    enforce(ruleset(MAKE_DIR | REMOVE_DIR, 0), 0);
    must("make", is(mkdir("/tmp/m/e", 0755), EROFS));
    must("there", is(mkdir("/tmp/m/d", 0755), EEXIST));
    must("remove", is(rmdir("/tmp/m/d"), EROFS));
    must("elsewhere", is(mkdir("/tmp/e", 0755), EACCES));
}

int main(void)
{
    show_start();
    old = syscall(CREATE, NULL, 0L, LANDLOCK_CREATE_RULESET_VERSION) < 7;
    put("/tmp/file", "text");
    in_child("calls", calls);
    in_child("devices", devices);
    in_child("sockets", sockets);
    in_child("signals", signals);
    in_child("order", order);
    umount("/tmp/m");
    return 0;
}

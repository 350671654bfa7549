/* SPDX-License-Identifier: MIT
 *
 * Landlock: rulesets and their errors, what files, names, programs, mounts,
 * other processes and ports a domain leaves, several layers, what children and
 * new programs inherit. Words alone where Linux has less than version 4 of it.
 */
#include <arpa/inet.h>
#include <linux/landlock.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#define CREATE   444
#define ADD      445
#define RESTRICT 446

enum {
    EXECUTE = 1,
    WRITE_FILE = 2,
    READ_FILE = 4,
    READ_DIR = 8,
    REMOVE_DIR = 0x10,
    REMOVE_FILE = 0x20,
    MAKE_DIR = 0x80,
    MAKE_REG = 0x100,
    MAKE_SYM = 0x1000,
    REFER = 0x2000,
    TRUNCATE = 0x4000,
    ALL = 0x7fff,
    BIND = 1,
    CONNECT = 2,
};

struct attr {
    uint64_t fs, net;
};

struct beneath {
    uint64_t access;
    int32_t parent;
} __attribute__((packed));

struct port {
    uint64_t access, port;
};

static int ruleset(uint64_t fs, uint64_t net)
{
    struct attr a = {fs, net};

    return (int)syscall(CREATE, &a, sizeof(a), 0);
}

static long allow_at(int set, int dir, uint64_t access)
{
    struct beneath b = {access, dir};

    errno = 0;
    return syscall(ADD, set, 1, &b, 0);
}

static long allow(int set, const char *path, uint64_t access)
{
    int dir = open(path, O_PATH | O_CLOEXEC);
    long r = allow_at(set, dir, access);

    close(dir);
    return r;
}

static long allow_port(int set, uint64_t port, uint64_t access)
{
    struct port p = {access, port};

    errno = 0;
    return syscall(ADD, set, 2, &p, 0);
}

static void enforce(int set)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    must("enforced", syscall(RESTRICT, set, 0) == 0);
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

static long opens(const char *path, int flags)
{
    int fd = open(path, flags, 0644);

    if (fd >= 0) {
        close(fd);
    }
    return fd;
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

/* ---- calls ---- */

static void errors(void)
{
    struct attr a = {ALL, 3};
    struct beneath b = {READ_FILE, -1};
    int set = ruleset(READ_FILE | READ_DIR, BIND), pipes[2];

    must("no attr", is(syscall(CREATE, NULL, 16, 0), EFAULT));
    must("small", is(syscall(CREATE, &a, 7, 0), EINVAL));
    must("large", is(syscall(CREATE, &a, 5000, 0), E2BIG));
    must("bad attr", is(syscall(CREATE, BAD, 16, 0), EFAULT));
    must("version", is(syscall(CREATE, &a, 16, 1), EINVAL));
    must("flags", is(syscall(CREATE, NULL, 0, 0x100), EINVAL));
    must("nothing", is(ruleset(0, 0), ENOMSG));
    must("unknown", is(ruleset(1ull << 40, 0), EINVAL));
    must("unknown net", is(ruleset(0, 1ull << 40), EINVAL));
    must("files only", works(syscall(CREATE, &a, 8, 0)));
    must("closes on exec", old || fcntl(set, F_GETFD) == FD_CLOEXEC);
    must("rule flags", is(syscall(ADD, set, 1, &b, 1), EINVAL));
    must("rule type", is(syscall(ADD, set, 9, &b, 0), EINVAL));
    must("no fd", is(syscall(ADD, 99, 1, &b, 0), EBADF));
    must("no ruleset", is(syscall(ADD, 0, 1, &b, 0), EBADFD));
    must("bad rule", is(syscall(ADD, set, 1, BAD, 0), EFAULT));
    must("no parent", is(syscall(ADD, set, 1, &b, 0), EBADF));
    must("no access", is(allow(set, "/tmp", 0), ENOMSG));
    must("not handled", is(allow(set, "/tmp", EXECUTE), EINVAL));
    must("of directories", is(allow(set, "/tmp/l/file", READ_DIR), EINVAL));
    must("of files", works(allow(set, "/tmp/l/file", READ_FILE)));
    pipe(pipes);
    must("a pipe", is(allow_at(set, pipes[0], READ_FILE), EBADFD));
    must("a ruleset", is(allow_at(set, set, READ_FILE), EBADFD));
    must("no net", is(allow_port(set, 80, 0), ENOMSG));
    must("net not handled", is(allow_port(set, 80, CONNECT), EINVAL));
    must("no port", is(allow_port(set, 65536, BIND), EINVAL));
    must("port", works(allow_port(set, 80, BIND)));
    must("restrict flags", is(syscall(RESTRICT, set, 0x1000), EINVAL));
    must("restrict by none", is(syscall(RESTRICT, 99, 0), EBADF));
    must("restrict by other", is(syscall(RESTRICT, 0, 0), EBADFD));
    setresuid(NOBODY, NOBODY, NOBODY);
    must("with privileges", is(syscall(RESTRICT, set, 0), EPERM));
    enforce(set);
}

static void layers(void)
{
    int n = 0;

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (;;) {
        int set = ruleset(MAKE_SYM, 0);

        if (syscall(RESTRICT, set, 0)) {
            break;
        }
        close(set);
        n++;
    }
    must("sixteen", old || (n == 16 && errno == E2BIG));
    must("one", is(symlink("x", "/tmp/l/sym"), EACCES));
}

/* ---- files ---- */

static void files(void)
{
    int set = ruleset(ALL, 0), fd = open("/tmp/l/ro/file", O_RDWR);
    struct stat st;

    allow(set, "/tmp/l/ro", READ_FILE | READ_DIR);
    allow(set, "/tmp/l/rw", ALL & ~TRUNCATE);
    allow(set, "/tmp/l/file", WRITE_FILE);
    enforce(set);
    must("reads", works(opens("/tmp/l/ro/file", O_RDONLY)));
    must("lists", works(opens("/tmp/l/ro", O_RDONLY | O_DIRECTORY)));
    must("no writing", is(opens("/tmp/l/ro/file", O_WRONLY), EACCES));
    must("no listing", is(opens("/tmp/l", O_RDONLY), EACCES));
    must("nor above", is(opens("/", O_RDONLY), EACCES));
    must("paths", works(opens("/tmp/l", O_PATH)));
    must("looks", works(stat("/tmp/l", &st)));
    must("goes there", works(chdir("/tmp/l")));
    must("writes one", works(opens("/tmp/l/file", O_WRONLY)));
    must("reads not", is(opens("/tmp/l/file", O_RDWR), EACCES));
    must("had it open", works(write(fd, "x", 1)));
    must("and shortens", works(ftruncate(fd, 1)));
    must("no new", is(opens("/tmp/l/ro/new", O_CREAT | O_WRONLY), EACCES));
    must("new", works(opens("/tmp/l/rw/new", O_CREAT | O_WRONLY)));
    must("kept", is(opens("/tmp/l/rw/new", O_TRUNC | O_WRONLY), EACCES));
    must("whole", is(truncate("/tmp/l/rw/new", 0), EACCES));
    fd = open("/tmp/l/rw/new", O_WRONLY);
    must("by descriptor", is(ftruncate(fd, 0), EACCES));
    must("new whole", works(opens("/tmp/l/rw/n2", O_CREAT | O_TRUNC | O_RDWR)));
    must("makes", works(mkdir("/tmp/l/rw/d", 0755)));
    must("makes not", is(mkdir("/tmp/l/ro/d", 0755), EACCES));
    must("exists", is(mkdir("/tmp/l/ro", 0755), EEXIST));
    must("links", works(symlink("x", "/tmp/l/rw/sym")));
    must("links not", is(symlink("x", "/tmp/l/ro/sym"), EACCES));
    must("fifo", is(mknod("/tmp/l/ro/f", S_IFIFO | 0600, 0), EACCES));
    must("removes", works(unlink("/tmp/l/rw/sym")));
    must("removes not", is(unlink("/tmp/l/ro/file"), EACCES));
    must("rmdir", works(rmdir("/tmp/l/rw/d")));
    must("rmdir not", is(rmdir("/tmp/l/ro/dir"), EACCES));
    must("no such", is(unlink("/tmp/l/ro/none"), ENOENT));
    must("tmpfile", works(opens("/tmp/l/rw", O_TMPFILE | O_RDWR)));
    must("memory", works(memfd_create("m", 0)));
    must("pipes", works(pipe((int[2]){0})));
}

/* Rules reach into what is mounted below. */
static void mounts(void)
{
    int set = ruleset(ALL, 0);

    mount("t", "/tmp/l/m", "tmpfs", 0, NULL);
    put("/tmp/l/m/file", "");
    allow(set, "/tmp/l/m", READ_FILE);
    allow(set, "/tmp/l", WRITE_FILE);
    enforce(set);
    must("both", works(opens("/tmp/l/m/file", O_RDWR)));
    must("one", is(opens("/tmp/l/file", O_RDWR), EACCES));
    must("no mount", is(mount("t", "/tmp/l/m", "tmpfs", 0, NULL), EPERM));
    must("no umount", is(umount("/tmp/l/m"), EPERM));
    must("no bind", is(mount("/tmp", "/tmp/l/m", NULL, MS_BIND, NULL), EPERM));
}

/* A rule for what a mount covers is none for the mount. */
static void covered(void)
{
    int set = ruleset(READ_FILE, 0);

    allow(set, "/tmp/l/m", READ_FILE);
    mount("t", "/tmp/l/m", "tmpfs", 0, NULL);
    put("/tmp/l/m/file", "");
    enforce(set);
    must("covered", is(opens("/tmp/l/m/file", O_RDONLY), EACCES));
}

/* What two layers both grant. */
static void narrower(void)
{
    int first = ruleset(READ_FILE | WRITE_FILE, 0), second;

    allow(first, "/tmp/l/ro", READ_FILE);
    allow(first, "/tmp/l/rw", READ_FILE | WRITE_FILE);
    enforce(first);
    second = ruleset(READ_FILE, 0);
    allow(second, "/tmp/l/rw", READ_FILE);
    enforce(second);
    must("second", is(opens("/tmp/l/ro/file", O_RDONLY), EACCES));
    must("both", works(opens("/tmp/l/rw/file", O_RDWR)));
    must("first", is(opens("/tmp/l/file", O_WRONLY), EACCES));
    must("neither", works(mkdir("/tmp/l/made", 0755)));
    rmdir("/tmp/l/made");
}

/* ---- moving ---- */

static void moves(void)
{
    int set = ruleset(ALL, 0);

    allow(set, "/tmp/l/rw", ALL & ~REFER);
    allow(set, "/tmp/l/ro", READ_FILE | READ_DIR);
    enforce(set);
    must("within", works(rename("/tmp/l/rw/file", "/tmp/l/rw/file2")));
    must("deeper", is(rename("/tmp/l/rw/file2", "/tmp/l/rw/in/f"), EXDEV));
    must("link", is(link("/tmp/l/rw/file2", "/tmp/l/rw/in/f"), EXDEV));
    must("link here", works(link("/tmp/l/rw/file2", "/tmp/l/rw/file3")));
    must("out", is(rename("/tmp/l/rw/file2", "/tmp/l/ro/f"), EACCES));
    must("in", is(rename("/tmp/l/ro/file", "/tmp/l/rw/f"), EACCES));
    must("link in", is(link("/tmp/l/ro/file", "/tmp/l/rw/f"), EXDEV));
    must("back", works(rename("/tmp/l/rw/file2", "/tmp/l/rw/file")));
    must("file3", works(unlink("/tmp/l/rw/file3")));
}

static void referring(void)
{
    int set = ruleset(ALL, 0);

    allow(set, "/tmp/l/rw", ALL);
    allow(set, "/tmp/l/ro", ALL & ~(EXECUTE | TRUNCATE));
    enforce(set);
    must("deeper", works(rename("/tmp/l/rw/file", "/tmp/l/rw/in/f")));
    must("fewer rights", works(rename("/tmp/l/rw/in/f", "/tmp/l/ro/f")));
    must("more rights", is(rename("/tmp/l/ro/f", "/tmp/l/rw/file"), EXDEV));
    must("linked", is(link("/tmp/l/ro/f", "/tmp/l/rw/file"), EXDEV));
    must("a directory", is(rename("/tmp/l/ro/dir", "/tmp/l/rw/dir"), EXDEV));
    must("exchanged", is(RAW(renameat2, AT_FDCWD, "/tmp/l/rw/in", AT_FDCWD,
                             "/tmp/l/ro/dir", 2),
                         EXDEV));
    must("copied", works(link("/tmp/l/ro/f", "/tmp/l/ro/dir/f")));
    unlink("/tmp/l/ro/f");
}

/* Who handles anything cannot move without REFER. */
static void implied(void)
{
    int set = ruleset(EXECUTE, 0);

    enforce(set);
    must("move", is(rename("/tmp/l/ro/file", "/tmp/l/rw/f"), EXDEV));
    must("in place", works(rename("/tmp/l/ro/file", "/tmp/l/ro/file")));
}

/* ---- programs and processes ---- */

static void programs(void)
{
    char *args[] = {"landlock", "again", NULL};
    int set = ruleset(EXECUTE | WRITE_FILE, 0), status;

    allow(set, "/test", EXECUTE);
    allow(set, "/lib", EXECUTE);
    allow(set, "/lib64", EXECUTE);
    allow(set, "/usr/lib", EXECUTE);
    enforce(set);
    must("another", is(execv("/bin/busybox", args), EACCES));
    if (!fork()) {
        execv("/test/landlock", args);
        _exit(9);
    }
    wait(&status);
    printf("status %x\n", status);
}

static void traces(void)
{
    int outside = fork(), inside, status, ready[2];
    char c;

    if (!outside) {
        for (;;) {
            pause();
        }
    }
    enforce(ruleset(MAKE_SYM, 0));
    must("outside", is(ptrace(PTRACE_ATTACH, outside, 0, 0), EPERM));
    pipe(ready);
    inside = fork();
    if (!inside) {
        syscall(RESTRICT, ruleset(MAKE_SYM, 0), 0);
        write(ready[1], "r", 1);
        for (;;) {
            pause();
        }
    }
    read(ready[0], &c, 1);
    must("inside", works(ptrace(PTRACE_ATTACH, inside, 0, 0)));
    waitpid(inside, &status, 0);
    kill(inside, SIGKILL);
    kill(outside, SIGKILL);
    while (wait(NULL) > 0) {
    }
}

/* A child that is restricted less than who would trace it. */
static void asks(void)
{
    int child, status, ready[2];
    char c;

    pipe(ready);
    child = fork();
    if (!child) {
        read(ready[0], &c, 1);
        errno = 0;
        _exit(!is(ptrace(PTRACE_TRACEME, 0, 0, 0), EPERM));
    }
    enforce(ruleset(MAKE_SYM, 0));
    write(ready[1], "r", 1);
    waitpid(child, &status, 0);
    must("from outside", old || status == 0);
    child = fork();
    if (!child) {
        _exit(ptrace(PTRACE_TRACEME, 0, 0, 0) != 0);
    }
    waitpid(child, &status, 0);
    must("from inside", status == 0);
}

/* ---- ports ---- */

static long at_port(int type, int port, int binds)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, type, 0), saved;
    long r = binds ? bind(s, (void *)&a, sizeof(a))
                   : connect(s, (void *)&a, sizeof(a));

    saved = errno;
    close(s);
    errno = saved;
    return r;
}

static void ports(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_STREAM, 0), set = ruleset(0, 3), port;
    socklen_t len = sizeof(a);

    bind(server, (void *)&a, len);
    listen(server, 5);
    getsockname(server, (void *)&a, &len);
    port = ntohs(a.sin_port);
    allow_port(set, port, CONNECT);
    allow_port(set, 0, BIND);
    enforce(set);
    must("connects", works(at_port(SOCK_STREAM, port, 0)));
    must("elsewhere", is(at_port(SOCK_STREAM, port ^ 1, 0), EACCES));
    must("binds", works(at_port(SOCK_STREAM, 0, 1)));
    must("not here", is(at_port(SOCK_STREAM, port ^ 1, 1), EACCES));
    must("datagrams", works(at_port(SOCK_DGRAM, port ^ 1, 0)));
    must("files", works(opens("/tmp/l/file", O_RDWR)));
}

int main(int argc, char **argv)
{
    show_start();
    old = syscall(CREATE, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 4;
    if (argc > 1) {
        must("inherited", is(opens("/tmp/l/file", O_WRONLY), EACCES));
        return 0;
    }
    mkdir("/tmp/l", 0755);
    mkdir("/tmp/l/ro", 0755);
    mkdir("/tmp/l/ro/dir", 0755);
    mkdir("/tmp/l/rw", 0755);
    mkdir("/tmp/l/rw/in", 0755);
    mkdir("/tmp/l/m", 0755);
    put("/tmp/l/file", "text");
    put("/tmp/l/ro/file", "text");
    put("/tmp/l/rw/file", "text");
    in_child("errors", errors);
    in_child("layers", layers);
    in_child("files", files);
    in_child("mounts", mounts);
    umount("/tmp/l/m");
    in_child("covered", covered);
    umount("/tmp/l/m");
    in_child("narrower", narrower);
    in_child("moves", moves);
    in_child("implied", implied);
    in_child("referring", referring);
    in_child("programs", programs);
    in_child("traces", traces);
    in_child("asks", asks);
    in_child("ports", ports);
    return 0;
}

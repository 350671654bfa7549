/* SPDX-License-Identifier: MIT
 * memfd_secret(2): memory with a descriptor that can be mapped shared and sized
 * once, that counts as locked, and that no other way leads to. Only what is not
 * so is printed: a Linux without it says nothing. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 10000, RW = PROT_READ | PROT_WRITE };

static int secret(unsigned flags)
{
    errno = 0;
    return (int)syscall(447, flags);
}

static void must(const char *what, int ok)
{
    if (!ok) {
        printf("NOT SO: %s\n", what);
    }
}

/* The call failed in this way. */
#define FAILS(err, call)                                                       \
    must(#call " is " #err, (errno = 0, (long)(call)) == -1 && errno == (err))

static char *map(int fd, size_t len, int prot)
{
    return mmap(NULL, len, prot, MAP_SHARED, fd, 0);
}

static void test_file(int fd)
{
    char buf[10] = {0};
    struct statfs fs = {0};
    struct stat st = {0};
    off_t off = 0;
    int p[2];

    FAILS(EINVAL, secret(1));
    FAILS(EINVAL, secret(O_RDWR));
    must("it closes on exec", fcntl(fd, F_GETFD) == FD_CLOEXEC);
    must("it is open for both", (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    fstat(fd, &st);
    must("it is a file", st.st_mode == (S_IFREG | 0600) && !st.st_size);
    fstatfs(fd, &fs);
    must("of a kind of its own", fs.f_type == 0x5345434d);
    pipe(p);
    FAILS(EINVAL, read(fd, buf, 10));
    FAILS(EINVAL, write(fd, buf, 10));
    FAILS(ESPIPE, pread(fd, buf, 10, 0));
    FAILS(ESPIPE, pwrite(fd, buf, 10, 0));
    FAILS(ESPIPE, lseek(fd, 0, SEEK_END));
    FAILS(EOPNOTSUPP, fallocate(fd, 0, 0, PAGE));
    FAILS(EINVAL, fcntl(fd, F_GET_SEALS));
    FAILS(EINVAL, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    FAILS(EINVAL, fsync(fd));
    FAILS(ESPIPE, sendfile(p[1], fd, &off, 10));
    FAILS(EINVAL, splice(fd, NULL, p[1], NULL, 10, 0));
    FAILS(EINVAL, ftruncate(fd, -1));
    must("it stays empty", ftruncate(fd, 0) == 0);
    must("and gets a size", ftruncate(fd, SIZE) == 0);
    FAILS(EINVAL, ftruncate(fd, SIZE));
    FAILS(EINVAL, ftruncate(fd, 2 * SIZE));
    FAILS(EINVAL, ftruncate(fd, 0));
    close(p[0]);
    close(p[1]);
}

static void by_ptrace(pid_t pid, char *m)
{
    int status;

    ptrace(PTRACE_ATTACH, pid, NULL, NULL);
    waitpid(pid, &status, 0);
    FAILS(EIO, ptrace(PTRACE_PEEKDATA, pid, m, NULL));
    FAILS(EIO, ptrace(PTRACE_POKEDATA, pid, m, 1L));
}

static void test_others(char *m)
{
    char buf[10] = {0};
    struct iovec ours = {buf, sizeof(buf)}, theirs = {m, sizeof(buf)};
    int mem = open("/proc/self/mem", O_RDWR), p[2];
    pid_t pid;

    FAILS(EFAULT, process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0));
    FAILS(EFAULT, process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0));
    FAILS(EIO, pread(mem, buf, sizeof(buf), (off_t)m));
    FAILS(EIO, pwrite(mem, buf, sizeof(buf), (off_t)m));
    close(mem);
    pipe(p);
    must("calls of its own read it", write(p[1], m, 10) == 10);
    must("and write it", read(p[0], m + 100, 10) == 10 && m[100] == 7);
    close(p[0]);
    close(p[1]);
    pid = fork();
    if (pid == 0) {
        m[1] = 8;
        for (;;) {
            pause();
        }
    }
    FAILS(EFAULT, process_vm_readv(pid, &ours, 1, &theirs, 1, 0));
    by_ptrace(pid, m);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Another descriptor would read it. */
static void test_again(int fd, char *m)
{
    char path[64];
    int other;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    FAILS(ENXIO, open(path, O_RDONLY));
    FAILS(ENXIO, open(path, O_RDWR));
    FAILS(ENXIO, open(path, O_RDWR | O_TRUNC));
    other = open(path, O_PATH);
    must("it has a place", other >= 0);
    close(other);
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
             (unsigned long)m, (unsigned long)m + 3 * PAGE);
    must("nor by its mapping", open(path, O_RDONLY) == -1);
    munlock(m, PAGE);
    FAILS(EINVAL, madvise(m, PAGE, MADV_DONTNEED)); /* locked for good */
}

/* Pages for a pipe cannot be had; what is written is copied. */
static void test_pipe(char *m)
{
    char open[10] = "open";
    struct iovec secret = {m, 10}, both[] = {{open, 4}, {m, 10}};
    int p[2];

    if (pipe(p)) {
        return;
    }
    FAILS(EFAULT, vmsplice(p[1], &secret, 1, 0));
    FAILS(EFAULT, vmsplice(p[1], &secret, 1, SPLICE_F_GIFT));
    must("up to it", vmsplice(p[1], both, 2, 0) == 4);
    must("written", write(p[1], m, 10) == 10);
    must("read", read(p[0], m, 10) == 10);
    m[0] = 7;
    must("spliced to", vmsplice(p[0], &secret, 1, 0) == 4);
    close(p[0]);
    close(p[1]);
}

static void test_map(int fd)
{
    struct rlimit few = {PAGE, PAGE};
    char *m, *again;

    FAILS(EINVAL, mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));
    FAILS(EPERM, map(fd, PAGE, RW | PROT_EXEC));
    m = map(fd, 3 * PAGE, RW);
    again = map(fd, 3 * PAGE, PROT_READ);
    must("it is mapped", m != MAP_FAILED && again != MAP_FAILED);
    if (m == MAP_FAILED || again == MAP_FAILED) {
        return;
    }
    m[0] = 7;
    must("twice", again[0] == 7);
    FAILS(EACCES, mprotect(m, PAGE, RW | PROT_EXEC));
    FAILS(EINVAL, madvise(m, PAGE, MADV_DONTNEED));
    FAILS(EINVAL, madvise(m, PAGE, MADV_REMOVE));
    FAILS(EINVAL, msync(m, PAGE, MS_SYNC));
    test_others(m);
    test_pipe(m);
    test_again(fd, m);
    munmap(m, 3 * PAGE);
    munmap(again, 3 * PAGE);
    setrlimit(RLIMIT_MEMLOCK, &few);
    setresuid(65534, 65534, 65534);
    FAILS(EAGAIN, map(fd, 2 * PAGE, RW));
    m = map(fd, PAGE, RW);
    must("one page may be locked", m != MAP_FAILED);
    must("it has kept its content", m != MAP_FAILED && m[0] == 7);
    FAILS(EAGAIN, map(fd, PAGE, RW));
}

int main(void)
{
    int fd = secret(O_CLOEXEC);

    if (fd >= 0) {
        test_file(fd);
        test_map(fd);
    }
    puts(fd >= 0 || errno == ENOSYS ? "done" : "no such memory");
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * memfd_create and seals: names, sizes, every seal against every way to
 * change a file, mappings that are there first.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static char buf[100];

static void creating(void)
{
    char name[300], path[40];
    struct stat st;

    title("creating");
    int fd = CALL(memfd_create, "name", 0);
    fstat(fd, &st);
    printf("mode %o links %lu size %ld\n", st.st_mode,
           (unsigned long)st.st_nlink, (long)st.st_size);
    sprintf(path, "/proc/self/fd/%d", fd);
    memset(buf, 0, sizeof(buf));
    CALL(readlink, path, buf, 100L);
    puts(buf);
    CALL(fcntl, fd, F_GETFD);
    printf("flags %o\n", fcntl(fd, F_GETFL));
    CALL(fcntl, fd, F_GET_SEALS);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_GROW);
    CALL(write, fd, "text", 4L);
    CALL(ftruncate, fd, 100000L);
    CALL(pread64, fd, buf, 5L, 0L);
    int again = SHOW(open(path, O_RDWR));
    CALL(read, again, buf, 4L);
    printf("[%.4s]\n", buf);
    close(again);
    close(fd);
    fd = CALL(memfd_create, "", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CALL(fcntl, fd, F_GETFD);
    CALL(fcntl, fd, F_GET_SEALS);
    close(fd);
    memset(name, 'n', sizeof(name));
    name[249] = 0;
    close(CALL(memfd_create, name, 0));
    name[249] = 'n';
    name[250] = 0;
    CALL(memfd_create, name, 0);
    CALL(memfd_create, BAD, 0);
    CALL(memfd_create, "x", 0x1000);
}

static void changes(int fd)
{
    CALL(pwrite64, fd, "x", 1L, 0L);
    CALL(pwrite64, fd, "x", 1L, 8191L);
    CALL(pwrite64, fd, "xy", 2L, 8191L);
    CALL(ftruncate, fd, 4096L);
    CALL(ftruncate, fd, 8192L);
    CALL(ftruncate, fd, 16384L);
    CALL(ftruncate, fd, 8192L);
    CALL(fallocate, fd, 0, 0L, 16384L);
    CALL(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0L, 4096L);
    CALL(ftruncate, fd, 8192L);
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("shared, writable: %s\n",
           p == MAP_FAILED ? strerrorname_np(errno) : "ok");
    if (p != MAP_FAILED) {
        munmap(p, 4096);
    }
    p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    printf("shared, readable: %s\n",
           p == MAP_FAILED ? strerrorname_np(errno) : "ok");
    if (p != MAP_FAILED) {
        CALL(mprotect, p, 4096L, PROT_READ | PROT_WRITE);
        munmap(p, 4096);
    }
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    printf("private: %s\n", p == MAP_FAILED ? strerrorname_np(errno) : "ok");
    munmap(p, 4096);
}

static void seals(void)
{
    static const int seal[] = {0,
                               F_SEAL_SHRINK,
                               F_SEAL_GROW,
                               F_SEAL_SHRINK | F_SEAL_GROW,
                               F_SEAL_WRITE,
                               F_SEAL_FUTURE_WRITE};

    for (unsigned i = 0; i < COUNT(seal); i++) {
        int fd = memfd_create("seals", MFD_ALLOW_SEALING);

        printf("-- seals %x\n", seal[i]);
        ftruncate(fd, 8192);
        CALL(fcntl, fd, F_ADD_SEALS, seal[i]);
        printf("seals %x\n", fcntl(fd, F_GET_SEALS));
        changes(fd);
        close(fd);
    }
}

static void order(void)
{
    title("order");
    int fd = memfd_create("order", MFD_ALLOW_SEALING);
    ftruncate(fd, 8192);
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
    p[0] = 'p';
    CALL(pread64, fd, buf, 1L, 0L);
    printf("%c\n", buf[0]);
    CALL(write, fd, "x", 1L);
    munmap(p, 4096);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_GROW);
    CALL(fcntl, fd, F_ADD_SEALS, 0x1000);
    printf("seals %x\n", fcntl(fd, F_GET_SEALS));
    char path[40];
    sprintf(path, "/proc/self/fd/%d", fd);
    int rd = open(path, O_RDONLY);
    CALL(fcntl, rd, F_ADD_SEALS, F_SEAL_GROW);
    close(rd);
    close(fd);
    fd = memfd_create("ro", MFD_ALLOW_SEALING);
    sprintf(path, "/proc/self/fd/%d", fd);
    rd = open(path, O_RDONLY);
    CALL(fcntl, rd, F_ADD_SEALS, F_SEAL_GROW);
    CALL(fcntl, rd, F_GET_SEALS);
}

/* The seal of what may be executed is one against writing. */
static void executable(void)
{
    title("F_SEAL_EXEC");
    for (int x = 0; x < 2; x++) {
        int fd = memfd_create("x", MFD_ALLOW_SEALING);

        fchmod(fd, x ? 0755 : 0644);
        CALL(ftruncate, fd, 8192L);
        CALL(fcntl, fd, F_ADD_SEALS, 0x20);
        CALL(fcntl, fd, F_GET_SEALS);
        CALL(write, fd, "w", 1L);
        CALL(ftruncate, fd, 4096L);
        close(fd);
    }
}

/* Its maker may still write to it, and it is executed all the same. */
static void execution(void)
{
    static const char script[] = "#!/test/memfd\n";
    static char *args[] = {(char *)"made", NULL};
    int fd = memfd_create("x", 0), status;

    title("execution");
    CALL(write, fd, script, sizeof(script) - 1);
    pid_t pid = fork();
    if (!pid) {
        CALL(execveat, fd, "", args, args + 1, AT_EMPTY_PATH);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    printf("status %x\n", status);
    CALL(pwrite64, fd, "#", 1, 0);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        printf("%s %d\n", argv[0], !strncmp(argv[1], "/dev/fd/", 8));
        return 5;
    }

    show_start();
    creating();
    seals();
    executable();
    execution();
    order();
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * What /proc counts: the bytes and calls of /proc/PID/io, by thread, process
 * and children waited for; threads that ever started and CPU time in
 * /proc/stat, which stay when those end; /proc/locks with who waits.
 */
#include <pthread.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static char text[65536];

static const char *slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    long n = 0, r = 1;

    if (fd < 0) {
        printf("%s: %s\n", path, strerrorname_np(errno));
        return "";
    }
    while (r > 0 && n < (long)sizeof(text) - 1) {
        r = read(fd, text + n, sizeof(text) - 1 - n);
        n += r > 0 ? r : 0;
    }
    text[n] = '\0';
    close(fd);
    return text;
}

static long field(const char *path, const char *name)
{
    const char *at = strstr(slurp(path), name);

    return at ? atol(at + strlen(name)) : -1;
}

/* ---- /proc/PID/io ---- */

static const char *const names[] = {"rchar: ", "wchar: ", "syscr: ", "syscw: "};

static void counts(const char *path, long out[4])
{
    slurp(path);
    for (int i = 0; i < 4; i++) {
        char *at = strstr(text, names[i]);

        out[i] = at ? atol(at + strlen(names[i])) : -1;
    }
}

static int p[2];

static void *in_thread(void *arg)
{
    char buf[700];

    write(p[1], text, 600);
    read(p[0], buf, 700);
    return arg;
}

static void told(const char *what, const long a[4], const long b[4])
{
    /* Reading the file itself counts, with a length of its own. */
    printf("%s: written %ld in %ld\n", what, b[1] - a[1], b[3] - a[3]);
    EXPECT(b[0] > a[0] && b[2] > a[2]);
}

static void io(void)
{
    const char *path = "/proc/self/io";
    long a[4], b[4];
    pthread_t t;
    char buf[300];

    title("io");
    pipe(p);
    fflush(stdout);
    counts(path, a);
    write(p[1], text, 300);
    write(p[1], text, 0);
    read(p[0], buf, 300);
    counts(path, b);
    told("process", a, b);
    counts(path, a);
    pthread_create(&t, NULL, in_thread, NULL);
    pthread_join(t, NULL);
    counts(path, b);
    told("a thread that ended", a, b);
    counts("/proc/thread-self/io", a);
    pthread_create(&t, NULL, in_thread, NULL);
    pthread_join(t, NULL);
    counts("/proc/thread-self/io", b);
    told("none of this thread's", a, b);
    counts(path, a);
    int pid = fork();
    if (!pid) {
        write(p[1], text, 100);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    counts(path, b);
    told("a child", a, b);
}

static void nobody(void)
{
    fflush(stdout);
    int pid = fork();

    if (!pid) {
        setresgid(NOBODY, NOBODY, NOBODY);
        setresuid(NOBODY, NOBODY, NOBODY);
        slurp("/proc/1/io");
        exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* ---- /proc/stat ---- */

/* Of programs that are nice, too. */
static long user_ticks(void)
{
    long user = 0, nice = 0;

    sscanf(slurp("/proc/stat"), "cpu %ld %ld", &user, &nice);
    return user + nice;
}

static void stat_counts(void)
{
    long forks = field("/proc/stat", "\nprocesses "), ticks = user_ticks();
    struct timespec ts;

    title("stat");
    int pid = fork();
    if (!pid) {
        do {
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
        } while (ts.tv_nsec < 200000000);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    EXPECT(field("/proc/stat", "\nprocesses ") > forks);
    EXPECT(user_ticks() > ticks);
    EXPECT(strstr(slurp("/proc/interrupts"), "LOC:") != NULL);
    EXPECT(strstr(text, "CPU0") != NULL);
}

/* ---- /proc/locks ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Lines about that file, without number, process and device; sorted, since
 * they come in no order. */
static int locks_of(const struct stat *st, int show)
{
    static char lines[8][160];
    char kind[16], arrow[16], mode[16], how[16], start[32], end[32], id[64];
    int count = 0, pid;

    slurp("/proc/locks");
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *rest = strchr(line, ':') + 2;
        unsigned long ino;

        strcpy(arrow, strstr(rest, "-> ") ? "-> " : "");
        rest += strspn(rest, " ->"); /* further in, who waits for a waiter */
        if (sscanf(rest, "%15s %15s %15s %d %63s %31s %31s", kind, mode, how,
                   &pid, id, start, end) != 7) {
            continue; /* another program's, of some other kind */
        }
        ino = strtoul(strrchr(id, ':') + 1, NULL, 10);
        if (ino != st->st_ino) {
            continue;
        }
        if (count == COUNT(lines)) {
            break;
        }
        snprintf(lines[count++], sizeof(lines[0]), "%s%s %s %s %s %s %s", arrow,
                 kind, mode, how,
                 pid == -1         ? "nobody's"
                 : pid == getpid() ? "mine"
                                   : "another's",
                 start, end);
    }
    qsort(lines, count, sizeof(lines[0]), by_text);
    for (int i = 0; show && i < count; i++) {
        puts(lines[i]);
    }
    return count;
}

static void set_lock(int fd, int cmd, int type, long start, long len)
{
    struct flock l = {.l_type = type, .l_start = start, .l_len = len};

    SHOW(fcntl(fd, cmd, &l));
}

static void locks(void)
{
    const char *path = "/tmp/locked";
    int fd = open(path, O_CREAT | O_RDWR, 0600), other = open(path, O_RDWR);
    struct stat st;

    title("locks");
    fstat(fd, &st);
    set_lock(fd, F_SETLK, F_WRLCK, 10, 5);
    set_lock(fd, F_SETLK, F_RDLCK, 100, 0);
    locks_of(&st, 1);
    set_lock(fd, F_SETLK, F_UNLCK, 12, 1);
    locks_of(&st, 1);
    set_lock(fd, F_SETLK, F_UNLCK, 0, 0);
    set_lock(other, F_OFD_SETLK, F_WRLCK, 0, 1);
    locks_of(&st, 1);
    set_lock(other, F_OFD_SETLK, F_UNLCK, 0, 0);
    SHOW(flock(fd, LOCK_EX));
    fflush(stdout);
    int pid = fork();
    if (!pid) {
        int own = open(path, O_RDWR);

        flock(own, LOCK_SH);
        _exit(0);
    }
    while (locks_of(&st, 0) < 2) {
        usleep(1000);
    }
    locks_of(&st, 1);
    SHOW(flock(fd, LOCK_UN));
    waitpid(pid, NULL, 0);
    locks_of(&st, 1);
    unlink(path);
}

int main(void)
{
    show_start();
    io();
    nobody();
    stat_counts();
    locks();
    return 0;
}

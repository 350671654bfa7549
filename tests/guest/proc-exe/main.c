/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/exe is the file that runs, not its path: renamed, replaced,
 * removed, far down; a zombie has none.
 */
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

#define DIR  "/tmp/proc-exe"
#define PROG DIR "/prog"

static void copy_self(const char *to)
{
    struct stat st;
    int from = open("/proc/self/exe", O_RDONLY);
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    off_t left;

    fstat(from, &st);
    for (left = st.st_size; left > 0;) {
        ssize_t n = sendfile(fd, from, NULL, left);

        if (n <= 0) {
            break;
        }
        left -= n;
    }
    printf("copied %d\n", left == 0);
    close(fd);
    close(from);
}

/* The link, and whether what it leads to is `same`. */
static void look(const char *what, const struct stat *same)
{
    static char text[8192];
    struct stat st = {0};
    char magic[4] = "";
    long n = readlink("/proc/self/exe", text, sizeof(text) - 1);
    int fd = open("/proc/self/exe", O_RDONLY);

    text[n > 0 ? n : 0] = '\0';
    fstat(fd, &st);
    read(fd, magic, sizeof(magic));
    close(fd);
    printf("%s: %ld %s, elf %d, same %d\n", what, n, text,
           memcmp(magic, "\177ELF", 4) == 0, st.st_ino == same->st_ino);
}

static int second(void)
{
    printf("again, from nowhere\n");
    CALL(open, "/proc/self/exe", O_RDWR);
    return 0;
}

static int first(char **argv)
{
    struct stat st;

    stat(PROG, &st);
    look("as it was", &st);
    CALL(rename, PROG, DIR "/other");
    look("renamed", &st);
    copy_self(PROG);
    CALL(rename, PROG, DIR "/other");
    look("replaced", &st);
    CALL(open, DIR "/other", O_RDWR);
    CALL(unlink, DIR "/other");
    fflush(stdout);
    argv[1] = "second";
    execv("/proc/self/exe", argv);
    perror("execv");
    return 1;
}

/* Further down than most buffers for a path. */
static void far_down(char **argv)
{
    char name[200];
    int status;

    memset(name, 'd', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    title("far down");
    for (int i = 0; i < 4; i++) {
        mkdir(name, 0755);
        chdir(name);
    }
    copy_self("prog");
    fflush(stdout);
    if (fork() == 0) {
        argv[1] = "far";
        execv("prog", argv);
        _exit(1);
    }
    wait(&status);
    printf("status %x\n", status);
    unlink("prog");
    for (int i = 0; i < 4; i++) {
        chdir("..");
        rmdir(name);
    }
}

static void of_a_zombie(void)
{
    char path[40], text[10];
    siginfo_t si;
    int pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    title("zombie");
    waitid(P_PID, pid, &si, WEXITED | WNOWAIT);
    sprintf(path, "/proc/%d/exe", pid);
    CALL(readlink, path, text, sizeof(text));
    CALL(open, path, O_RDONLY);
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    static char mode[] = "first";
    char *args[] = {argv[0], mode, NULL};
    struct stat st;
    int status;

    if (argc > 1 && strcmp(argv[1], "far") == 0) {
        stat("prog", &st);
        look("far", &st);
        return 0;
    }
    if (argc > 1) {
        return strcmp(argv[1], "second") == 0 ? second() : first(argv);
    }
    mkdir(DIR, 0755);
    chdir(DIR);
    copy_self(PROG);
    fflush(stdout);
    if (fork() == 0) {
        execv(PROG, args);
        _exit(1);
    }
    wait(&status);
    printf("status %x\n", status);
    far_down(args);
    of_a_zombie();
    chdir("/");
    rmdir(DIR);
    return 0;
}

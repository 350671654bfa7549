/* SPDX-License-Identifier: MIT
 *
 * execve(2): what it refuses while the old program goes on, what the new one
 * finds, and that it may be called from any thread.
 */
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/time.h>
#include "../show.h"

static void write_file(const char *path, const char *text, size_t len, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    write(fd, text, len);
    close(fd);
}

static void script(const char *path, const char *text)
{
    write_file(path, text, strlen(text), 0755);
}

static void refusals(void)
{
    char *argv[] = {"x", NULL}, *envp[] = {NULL};
    char *big = malloc(200000), *big_argv[] = {big, NULL};
    char elf[128] = {0};
    int fd;

    memset(big, 'a', 199999);
    big[199999] = '\0';
    CALL(execve, "/nowhere", argv, envp);
    CALL(execve, "", argv, envp);
    CALL(execve, BAD, argv, envp);
    CALL(execve, "/proc/self/exe", BAD, envp);
    CALL(execve, "/proc/self/exe", argv, BAD);
    CALL(execve, "/proc/self/exe", big_argv, envp);
    CALL(execve, "/tmp", argv, envp);
    CALL(execve, "/tmp/none/x", argv, envp);
    CALL(execve, big, argv, envp);
    script("/tmp/empty", "");
    CALL(execve, "/tmp/empty", argv, envp);
    CALL(execve, "/tmp/empty/x", argv, envp);
    script("/tmp/text", "just text\n");
    CALL(execve, "/tmp/text", argv, envp);
    write_file("/tmp/data", "#!/bin/true\n", 12, 0644);
    CALL(execve, "/tmp/data", argv, envp);
    script("/tmp/bang", "#!\n");
    CALL(execve, "/tmp/bang", argv, envp);
    script("/tmp/lost", "#!/nowhere\n");
    CALL(execve, "/tmp/lost", argv, envp);
    script("/tmp/loop", "#!/tmp/loop\n");
    CALL(execve, "/tmp/loop", argv, envp);
    memcpy(elf, ELFMAG "\2\1\1", 7);
    write_file("/tmp/elf", elf, sizeof(elf), 0755);
    CALL(execve, "/tmp/elf", argv, envp);
    CALL(execveat, AT_FDCWD, "/nowhere", argv, envp, 0x40);
    CALL(execveat, AT_FDCWD, "", argv, envp, 0);
    CALL(execveat, 77, "x", argv, envp, 0);
    CALL(execveat, 77, "", argv, envp, AT_EMPTY_PATH);
    fd = open("/tmp", O_RDONLY | O_DIRECTORY);
    CALL(execveat, fd, "text", argv, envp, 0);
    CALL(execveat, fd, "none", argv, envp, 0);
    close(fd);
}

/* ---- the second life ---- */

static void handler(int signo)
{
}

static void *run(void *path)
{
    char *argv[] = {"second", "arg one", "", NULL};
    char *envp[] = {"A=1", "EMPTY=", NULL};

    execve(path, argv, envp);
    perror("execve");
    return NULL;
}

static void *forever(void *arg)
{
    for (;;) {
        pause();
    }
    return NULL;
}

static void go_on_in_a_thread(void)
{
    struct itimerval soon = {{0, 0}, {60, 0}};
    pthread_t t;

    fcntl(10, F_DUPFD, 0);
    dup2(1, 20);
    dup2(1, 21);
    fcntl(21, F_SETFD, FD_CLOEXEC);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    setitimer(ITIMER_REAL, &soon, NULL);
    pthread_create(&t, NULL, forever, NULL);
    pthread_create(&t, NULL, forever, NULL);
    fflush(stdout);
    pthread_create(&t, NULL, run, "/proc/self/exe");
    pthread_join(t, NULL);
}

static void look_around(int argc, char **argv, char **envp)
{
    struct sigaction sa;
    struct itimerval left;

    for (int i = 0; i < argc; i++) {
        printf("argv[%d] = \"%s\"\n", i, argv[i]);
    }
    for (char **e = envp; *e; e++) {
        printf("env \"%s\"\n", *e);
    }
    EXPECT(getpid() == syscall(SYS_gettid));
    printf("fd 20 %d, fd 21 %d\n", fcntl(20, F_GETFD), fcntl(21, F_GETFD));
    sigaction(SIGUSR1, NULL, &sa);
    EXPECT(sa.sa_handler == SIG_DFL);
    sigaction(SIGUSR2, NULL, &sa);
    EXPECT(sa.sa_handler == SIG_IGN);
    getitimer(ITIMER_REAL, &left);
    EXPECT(left.it_value.tv_sec > 30);
    printf("execfn %s secure %lu pagesz %lu clktck %lu platform %s\n",
           (char *)getauxval(AT_EXECFN), getauxval(AT_SECURE),
           getauxval(AT_PAGESZ), getauxval(AT_CLKTCK),
           (char *)getauxval(AT_PLATFORM));
    EXPECT(getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid());
    EXPECT(getauxval(AT_RANDOM) && getauxval(AT_SYSINFO_EHDR));
    EXPECT(getauxval(AT_MINSIGSTKSZ) >= 2048);
    EXPECT(!(getauxval(AT_HWCAP2) & 2) || getauxval(AT_HWCAP2));
    EXPECT(memcmp((void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, 4) == 0);
    EXPECT(((unsigned long)__builtin_frame_address(0) & 15) == 0);
}

int main(int argc, char **argv, char **envp)
{
    char *args[] = {"ignored", "last", NULL}, *none[] = {NULL};

    if (argc == 1) {
        refusals();
        go_on_in_a_thread();
        return 1;
    }
    look_around(argc, argv, envp);
    if (strcmp(argv[0], "second")) {
        return 9;
    }
    fflush(stdout);
    script("/tmp/inner", "#! /test/execcalls  one argument \n");
    script("/tmp/outer", "#!/tmp/inner\n");
    execve("/tmp/outer", args, none);
    return 2;
}

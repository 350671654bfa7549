/* SPDX-License-Identifier: MIT
 *
 * unshare: a thread takes its own working directory or descriptors; what a
 * process with threads may not unshare.
 */
#include <pthread.h>
#include <sched.h>
#include "tests/guest/show.h"

static void *fs(void *arg)
{
    char cwd[100];

    CALL(unshare, CLONE_FS);
    CALL(chdir, "/data");
    printf("%s\n", getcwd(cwd, sizeof(cwd)));
    return NULL;
}

static void *files(void *arg)
{
    int *fd = arg;

    CALL(unshare, CLONE_FILES);
    CALL(close, *fd);
    CALL(dup2, 0, 30);
    CALL(fcntl, 30, F_GETFD);
    return NULL;
}

static void *refused(void *arg)
{
    CALL(unshare, CLONE_SIGHAND);
    CALL(unshare, CLONE_VM);
    CALL(unshare, CLONE_THREAD);
    CALL(unshare, 0);
    CALL(unshare, CLONE_SYSVSEM);
    return NULL;
}

static void in_thread(void *(*body)(void *), void *arg)
{
    pthread_t t;

    pthread_create(&t, NULL, body, arg);
    pthread_join(t, NULL);
}

int main(void)
{
    char cwd[100];

    show_start();
    int fd = open("/tmp", O_RDONLY);
    CALL(unshare, 0);
    CALL(unshare, 1);
    CALL(unshare, CLONE_PARENT_SETTID);
    CALL(unshare, CLONE_FS | CLONE_FILES | CLONE_SYSVSEM);
    CALL(unshare, CLONE_THREAD);
    CALL(unshare, CLONE_SIGHAND);
    CALL(unshare, CLONE_VM);
    title("threads");
    in_thread(fs, NULL);
    printf("%s\n", getcwd(cwd, sizeof(cwd)));
    in_thread(files, &fd);
    CALL(fcntl, fd, F_GETFD);
    CALL(fcntl, 30, F_GETFD);
    in_thread(refused, NULL);
    title("nobody");
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(unshare, CLONE_NEWNS);
    CALL(unshare, CLONE_NEWUTS);
    CALL(unshare, CLONE_NEWIPC);
    CALL(unshare, CLONE_NEWNET);
    CALL(unshare, CLONE_NEWPID);
    CALL(setns, 0, 0);
    return 0;
}
